//! Mistakes around log-ins, users and secrets.

use super::*;

#[test]
fn mistakes_in_providers_are_told() {
    each(&[
        (
            PROVIDERS,
            Gone,
            "auth/providers.json: is missing, so nobody can log in",
        ),
        (
            PROVIDERS,
            Text("{}"),
            "auth/providers.json: no provider is enabled, so nobody can log in",
        ),
        (
            PROVIDERS,
            Is("/anon-user/disabled", json!("no")),
            r#"auth/providers.json $["anon-user"].disabled: found "no", expected true or false"#,
        ),
        (
            PROVIDERS,
            Is("/anon-user/type", json!("anonymous")),
            r#"auth/providers.json $["anon-user"].type: found "anonymous", expected "anon-user""#,
        ),
        (
            PROVIDERS,
            Is("/oauth2-github", json!({})),
            r#"auth/providers.json $["oauth2-github"]: is no provider; remove it, or write its name right"#,
        ),
        (
            PROVIDERS,
            Is("/local-userpass/config", json!({"autoConfirm": false})),
            r#"auth/providers.json $["local-userpass"].config: nobody could ever log in; expected one of 'autoConfirm', 'runConfirmationFunction' and 'emailConfirmationUrl'"#,
        ),
        (
            PROVIDERS,
            Is("/local-userpass/config/runResetFunction", json!(true)),
            r#"auth/providers.json $["local-userpass"].config: 'resetFunctionName' is missing"#,
        ),
        (
            PROVIDERS,
            Is(
                "/local-userpass/config",
                json!({"runConfirmationFunction": true, "confirmationFunctionName": "gone"}),
            ),
            r#"auth/providers.json $["local-userpass"].config.confirmationFunctionName: there is no functions/gone.js"#,
        ),
        (
            PROVIDERS,
            Is(
                "/local-userpass/config/emailConfirmationUrl",
                json!("https://%(%%environment.values.gone)/"),
            ),
            r#"auth/providers.json $["local-userpass"].config.emailConfirmationUrl: 'gone' is no value of environments/production.json"#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/config/signingAlgorithm", json!("none")),
            r#"auth/providers.json $["custom-token"].config.signingAlgorithm: found "none", expected one of "HS256", "RS256", "ES256""#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/config/useJWKURI", json!(true)),
            r#"auth/providers.json $["custom-token"].config: 'jwkURI' is missing"#,
        ),
        (
            PROVIDERS,
            Is("/oauth2-google/config/clientId", json!("")),
            r#"auth/providers.json $["oauth2-google"].config.clientId: found "", expected a string that is not empty"#,
        ),
    ]);
}

#[test]
fn mistakes_around_tokens_of_others_are_told() {
    each(&[
        (
            PROVIDERS,
            Is("/custom-token/config/signingAlgorithm", json!("RS256")),
            r#"auth/providers.json $["custom-token"].secret_config.signingKeys[0]: is no key to verify tokens with: it is no public RSA key in PEM of up to 4,096 bits"#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/config/signingKey", json!("too short")),
            r#"auth/providers.json $["custom-token"].config.signingKey: is no key to verify tokens with: a key for HS256 has 32 to 512 bytes"#,
        ),
        (
            PROVIDERS,
            Is(
                "/custom-token/config",
                json!({"useJWKURI": true, "jwkURI": "http://id.example/keys"}),
            ),
            r#"auth/providers.json $["custom-token"].config.jwkURI: an https URL was expected; http is for this machine (localhost) alone"#,
        ),
        (
            PROVIDERS,
            Is(
                "/custom-token/config",
                json!({"useJWKURI": true, "jwkURI": "gone.json"}),
            ),
            r#"auth/providers.json $["custom-token"].config.jwkURI: found "gone.json", expected an https URL, or a file of the directory"#,
        ),
        (
            PROVIDERS,
            Is(
                "/oauth2-google/domain_restrictions",
                json!(["example.com", "me@example.com"]),
            ),
            r#"auth/providers.json $["oauth2-google"].domain_restrictions[1]: found "me@example.com", expected a domain such as "example.com""#,
        ),
        (
            PROVIDERS,
            Is(
                "/oauth2-google/config/jwkURI",
                json!("environments/production.json"),
            ),
            r#"auth/providers.json $["oauth2-google"].config.jwkURI: names a file that cannot be used: it is no JSON Web Key Set: an object with the list 'keys' was expected"#,
        ),
        (
            PROVIDERS,
            Is("/custom-token/metadata_fields/0/name", json!("address..city")),
            r#"auth/providers.json $["custom-token"].metadata_fields[0]: a path of names parted by dots was expected, with a backslash before a dot that is part of a name"#,
        ),
        (
            PROVIDERS,
            Is(
                "/custom-token/metadata_fields/0/field_name",
                json!("n".repeat(64)),
            ),
            r#"auth/providers.json $["custom-token"].metadata_fields[0]: a name of 1 to 63 characters was expected"#,
        ),
    ]);
}

#[test]
fn a_secret_that_is_missing_is_told_without_its_name_as_it_may_be_the_secret() {
    let copy = copy("weather");
    let key = json!([crate::SECRET]);
    make(
        &Is("/custom-token/secret_config/signingKeys", key),
        copy.path(),
        PROVIDERS,
    );
    let said = refusals(copy.path());
    let sentence = "refused: auth/providers.json $[\"custom-token\"].secret_config.signingKeys[0]: names a secret that is not there; \
                    put it into the file of --secrets or the environment";
    assert!(said.contains(&sentence.to_owned()), "{said:?}");
}

#[test]
fn mistakes_around_users_and_values_are_told() {
    each(&[
        (
            CUSTOM,
            Is("/mongo_service_name", json!("elsewhere")),
            r#"auth/custom_user_data.json $.mongo_service_name: found "elsewhere", expected the name of a data source"#,
        ),
        (
            CUSTOM,
            Lacks("/user_id_field"),
            "auth/custom_user_data.json $: 'user_id_field' is missing",
        ),
        (
            "values/other.json",
            Text(r#"{"name": "region", "value": 1}"#),
            "values/region.json $.name: 'region' is a value of another file as well",
        ),
        (
            "values/upstream.json",
            Lacks("/value"),
            "values/upstream.json $: 'value' is missing",
        ),
        (
            FUNCTIONS,
            Is("/0/name", json!("utils/gone")),
            "functions/config.json $[0]: there is no functions/utils/gone.js",
        ),
        (
            FUNCTIONS,
            Is("/0/name", json!("letIn")),
            "functions/config.json $[1]: the function 'letIn' is configured a second time",
        ),
    ]);
}
