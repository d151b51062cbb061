//! Users who come from another service.

use realm_ingest_gateway::clock;
use realm_ingest_gateway::state::{
    Identity, Imported, ImportedUser, Managed, OneTimeToken, Provider, Purpose, Registration, User, UserKind,
};
use serde_json::value::RawValue;

use crate::stores::{Store, identity, new, registration, session, two};

const EMAIL: &str = "me@example.com";

/// The id of a user.
fn id(number: u8) -> String {
    format!("{number:024x}")
}

fn imported(number: u8, identities: Vec<Identity>, registrations: Vec<Registration>) -> ImportedUser {
    ImportedUser {
        registrations,
        user: User {
            id: id(number),
            kind: UserKind::Normal,
            identities,
            disabled: false,
            custom_data: None,
            created: 1_000,
            last_login: 2_000,
        },
    }
}

/// A user who logs in by e-mail.
fn by_email(number: u8, email: &str) -> ImportedUser {
    let registration = Registration {
        confirmed: true,
        ..registration(email)
    };
    let identity = identity(Provider::Password, &registration.identity, email);
    imported(number, vec![identity], vec![registration])
}

fn by_token(number: u8, name: &str) -> ImportedUser {
    imported(
        number,
        vec![identity(Provider::CustomToken, name, "")],
        Vec::new(),
    )
}

async fn import(state: &dyn Managed, user: ImportedUser) -> Imported {
    let mut imported = state.import_users(vec![user]).await.unwrap();
    assert_eq!(imported.len(), 1);
    imported.remove(0)
}

#[track_caller]
fn conflict(imported: Imported, text: &str) {
    match imported {
        Imported::Conflict(why) => assert!(why.contains(text), "{why}"),
        other => panic!("{other:?}"),
    }
}

async fn a_user_comes_as_he_was_and_the_next_time_he_is_there<S: Store>() {
    let (state, _place) = new::<S>().await;
    let mut user = by_email(1, EMAIL);
    user.user
        .identities
        .push(identity(Provider::CustomToken, "x", "Me"));
    user.user.identities.push(identity(Provider::ApiKey, "key", ""));
    user.user.kind = UserKind::Server;
    user.user.disabled = true;
    user.user.custom_data = Some(RawValue::from_string(r#"{"a":1}"#.to_owned()).unwrap());
    let all = vec![user.clone(), by_token(2, "other"), user.clone()];
    let done = state.import_users(all).await.unwrap();
    assert_eq!(done, [Imported::Added, Imported::Added, Imported::There]);
    let found = state.user(&id(1)).await.unwrap().unwrap();
    assert_eq!(found.identities, user.user.identities);
    assert_eq!((found.kind, found.disabled), (UserKind::Server, true));
    assert_eq!((found.created, found.last_login), (1_000, 2_000));
    assert_eq!(found.custom_data.unwrap().get(), r#"{"a":1}"#);
    let by_identity = state.user_by_identity(Provider::Password, "identity of me@example.com");
    assert_eq!(by_identity.await.unwrap().unwrap().id, id(1));
    assert!(state.registration(EMAIL).await.unwrap().unwrap().confirmed);
    let listed = state.users(None, 10).await.unwrap();
    assert!(listed.iter().map(|user| &user.id).eq(&[id(1), id(2)]));
}

async fn who_has_come_logs_in_and_who_has_an_e_mail_resets_his_password<S: Store>() {
    let (state, _place) = new::<S>().await;
    import(&*state, by_token(1, "x")).await;
    let login = state.find_or_create(identity(Provider::CustomToken, "x", "New"), UserKind::Normal);
    assert_eq!(login.await.unwrap().unwrap().id, id(1));
    import(&*state, by_email(2, EMAIL)).await;
    let token = OneTimeToken {
        id: "t".to_owned(),
        hash: [1; 32],
        purpose: Purpose::Reset,
        expires: clock::unix_millis() + 3_600_000,
    };
    state.add_token(EMAIL, token).await.unwrap();
    assert!(state.reset_password("t", [1; 32], "his own").await.unwrap());
    let open = async |name: &str, password: &str| {
        let opened = state.open_session(session(name, &id(2)), Some(password.to_owned()));
        opened.await.unwrap().is_some()
    };
    assert!(!open("a", "hash").await && open("b", "his own").await);
    let mail = identity(Provider::Password, "identity of me@example.com", EMAIL);
    let login = state.find_or_create(mail, UserKind::Normal).await.unwrap();
    assert_eq!(login.unwrap().id, id(2));
}

async fn of_a_user_who_has_what_is_anothers_nothing_is_taken_in<S: Store>() {
    let (state, _place) = new::<S>().await;
    import(&*state, by_email(1, EMAIL)).await;
    import(&*state, by_token(2, "x")).await;
    state.register(registration("waiting@example.com")).await.unwrap();

    conflict(import(&*state, by_token(1, "y")).await, "with other identities");
    let mut greedy = by_token(3, "x");
    greedy
        .user
        .identities
        .insert(0, identity(Provider::Google, "g", ""));
    let text = format!("'x' of custom-token is user {}'s", id(2));
    conflict(import(&*state, greedy).await, &text);
    // Somebody has registered here since, or before.
    for email in [EMAIL, "waiting@example.com"] {
        let mut user = by_email(4, email);
        user.registrations[0].identity = "of his own".to_owned();
        user.user.identities = vec![
            identity(Provider::CustomToken, "z", ""),
            identity(Provider::Password, "of his own", email),
        ];
        let text = format!("'{email}' is registered already");
        conflict(import(&*state, user).await, &text);
    }
    let mut renamed = by_email(5, "waiting@example.com");
    renamed.registrations[0].email = "another@example.com".to_owned();
    conflict(
        import(&*state, renamed).await,
        "'another@example.com' is registered already",
    );

    for number in [3, 4, 5] {
        assert!(state.user(&id(number)).await.unwrap().is_none());
    }
    for (provider, name) in [(Provider::Google, "g"), (Provider::CustomToken, "z")] {
        assert!(state.user_by_identity(provider, name).await.unwrap().is_none());
    }
    let unused = state.unused_registrations("", 10).await.unwrap();
    assert!(
        unused
            .iter()
            .map(|one| one.email.as_str())
            .eq(["waiting@example.com"])
    );
}

async fn who_was_removed_does_not_come_back<S: Store>() {
    let (state, _place) = new::<S>().await;
    import(&*state, by_email(1, EMAIL)).await;
    assert!(state.remove_user(&id(1)).await.unwrap());
    conflict(import(&*state, by_email(1, EMAIL)).await, "was removed");
    assert!(state.registration(EMAIL).await.unwrap().is_none());
}

async fn an_import_that_was_cut_off_goes_on<S: Store>() {
    let (state, _place) = new::<S>().await;
    let user = by_email(1, EMAIL);
    state.register(user.registrations[0].clone()).await.unwrap();
    assert_eq!(import(&*state, user).await, Imported::Added);
    assert!(state.unused_registrations("", 10).await.unwrap().is_empty());
}

async fn of_several_who_import_at_once_one_does<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    let all = || (0..20).map(|number| by_email(number, &format!("{number}@example.com")));
    let (a, b) = tokio::join!(
        one.import_users(all().collect()),
        other.import_users(all().collect())
    );
    for pair in a.unwrap().iter().zip(b.unwrap()) {
        let pair = (pair.0, &pair.1);
        assert!(
            matches!(
                pair,
                (Imported::Added, Imported::There) | (Imported::There, Imported::Added)
            ),
            "{pair:?}"
        );
    }
    assert_eq!(one.count_users().await.unwrap(), 20);
    for number in 0..20 {
        let found = one.registration(&format!("{number}@example.com")).await.unwrap();
        assert!(found.is_some());
    }
}

suite! {
    a_user_comes_as_he_was_and_the_next_time_he_is_there,
    who_has_come_logs_in_and_who_has_an_e_mail_resets_his_password,
    of_a_user_who_has_what_is_anothers_nothing_is_taken_in,
    who_was_removed_does_not_come_back,
    an_import_that_was_cut_off_goes_on,
    of_several_who_import_at_once_one_does,
}
