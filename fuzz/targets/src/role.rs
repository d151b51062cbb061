//! A role that is not served whole lets nobody write, and judging goes as far as documents do.

use bson::Bson;
use realm_ingest_gateway::json_path::Findings;
use realm_ingest_gateway::rules::{Facts, Role, Rules, Verdict};
use realm_ingest_protocol::Document;
use serde_json::Value;

/// `[role, user, document]`, the last in Extended JSON.
pub(crate) fn run(data: &[u8]) {
    let Ok([role, user, document]) = serde_json::from_slice::<[Value; 3]>(data) else {
        return;
    };
    let mut findings = Findings::new();
    let Some(role) = Role::parse(&role, "$", &mut findings) else {
        assert!(!findings.is_empty());
        return;
    };
    for (path, _) in &findings {
        assert!(path.starts_with('$'), "{path}");
    }
    let rules = Rules::new(vec![role], |field| field.len() % 2 == 0);
    let values = [("a".to_owned(), user.clone())].into();
    let facts = Facts {
        user: &user,
        values: &values,
        tag: "test",
        environment: &values,
    };
    let verdict = rules.decide(&facts);
    let is_denied = matches!(verdict, Verdict::Deny(_));
    assert!(is_denied || (findings.is_empty() && rules.unusable().count() == 0));
    if !rules.need_user() {
        let id = user.get("id").map(|id| ("id".to_owned(), id.clone()));
        let id = Value::Object(id.into_iter().collect());
        let again = rules.decide(&Facts { user: &id, ..facts });
        assert_eq!(matches!(again, Verdict::Deny(_)), is_denied);
    }
    if let (Verdict::PerDocument(check), Ok(Bson::Document(document))) = (verdict, Bson::try_from(document))
        && let Ok(bytes) = document.to_vec()
    {
        let _ = check.check(&Document::assume_valid(&bytes));
    }
}
