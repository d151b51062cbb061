//! Schemas: which definition of a class is the accepted one.

use std::sync::Arc;

use realm_ingest_gateway::state::Managed;
use realm_ingest_protocol::Schema;
use tokio::task::JoinSet;

use crate::stores::{Store, new, two};

/// A class 'A' that holds an 'E' with one property, and itself has these beside.
fn schema(of_e: &str, of_a: &str) -> Schema {
    Schema::parse(&format!(
        r#"{{"classes":[{{"name":"E","kind":"embedded","properties":[{of_e}]}},
        {{"name":"A","kind":"asymmetric","primary_key":"_id","properties":[
          {{"name":"_id","type":"int"}},{{"name":"e","type":"object","object":"E"}}{of_a}]}}]}}"#
    ))
    .unwrap()
}

fn first() -> Schema {
    schema(r#"{"name":"n","type":"int"}"#, "")
}

/// Contradicts the first.
fn second() -> Schema {
    schema(r#"{"name":"n","type":"double"}"#, "")
}

/// Adds to the first.
fn third() -> Schema {
    schema(r#"{"name":"n","type":"int"}"#, r#",{"name":"y","type":"int"}"#)
}

async fn add(state: &dyn Managed, schema: Schema) -> bool {
    state.add_schema(schema, "user").await.unwrap()
}

/// The classes of a schema that are in conflict, and the version.
async fn conflicts(state: &dyn Managed, schema: &Schema) -> (i64, Vec<String>) {
    let known = state.schema(&schema.fingerprint()).await.unwrap();
    let (version, known) = known.unwrap();
    assert_eq!(&known.schema, schema);
    (version, known.conflicts.into_keys().collect())
}

async fn the_first_definition_stands_and_what_fits_is_added<S: Store>() {
    let (state, _place) = new::<S>().await;
    for schema in [first(), second(), third(), second()] {
        assert!(add(&*state, schema).await);
    }
    let none = state.schema("another").await.unwrap();
    assert!(none.is_none() && state.sent_schema("another").await.unwrap().is_none());
    assert_eq!(conflicts(&*state, &first()).await.1, [""; 0]);
    assert_eq!(conflicts(&*state, &second()).await.1, ["A", "E"]);
    assert_eq!(conflicts(&*state, &third()).await.1, [""; 0]);
    let accepted = state.accepted_schema().await.unwrap();
    assert_eq!(accepted.class("A").unwrap().properties.len(), 3);
    let sent = state.sent_schema(&second().fingerprint()).await.unwrap();
    assert_eq!(sent, Some(second()));
    let listed = state.list_schemas().await.unwrap();
    let all = [first(), second(), third()];
    assert!(
        listed
            .iter()
            .map(|one| &one.fingerprint)
            .eq(&all.map(|one| one.fingerprint()))
    );
    assert_eq!((listed[1].conflicts.len(), listed[0].classes.len()), (2, 2));
    assert_eq!(listed[1].user.as_deref(), Some("user"));
    assert_eq!(state.known_schemas().await.unwrap().len(), 3);
}

async fn a_choice_holds_for_all_gateways_and_can_be_taken_back<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    for schema in [first(), second(), third()] {
        add(&*one, schema).await;
    }
    let before = one.schemas_version().await.unwrap();
    let chosen = other.choose_schema(&second().fingerprint(), None).await.unwrap();
    assert_eq!(chosen, Ok(vec!["A".to_owned(), "E".to_owned()]));
    let after = one.schemas_version().await.unwrap();
    assert!(after > before);
    assert_eq!(conflicts(&*one, &second()).await, (after, vec![]));
    assert_eq!(conflicts(&*one, &first()).await.1, ["A", "E"]);
    assert_eq!(conflicts(&*one, &third()).await.1, ["A", "E"]);
    let listed = one.list_schemas().await.unwrap();
    assert_eq!(listed[1].chosen, ["A", "E"]);
    let since = listed[0].conflicts[0].since;

    // One that comes afterwards is compared with what was chosen.
    let fourth = schema(r#"{"name":"n","type":"double"}"#, r#",{"name":"z","type":"int"}"#);
    add(&*one, fourth.clone()).await;
    assert_eq!(conflicts(&*other, &fourth).await.1, [""; 0]);
    let again = other
        .choose_schema(&fourth.fingerprint(), Some("A"))
        .await
        .unwrap();
    assert_eq!(again, Ok(vec!["A".to_owned(), "E".to_owned()]));
    let listed = one.list_schemas().await.unwrap();
    assert_eq!(listed[0].conflicts[0].since, since, "it has been so since then");

    let back = one
        .choose_schema(&first().fingerprint(), Some("A"))
        .await
        .unwrap();
    assert_eq!(back, Ok(vec!["A".to_owned(), "E".to_owned()]));
    assert_eq!(conflicts(&*other, &first()).await.1, [""; 0]);
    assert_eq!(conflicts(&*other, &third()).await.1, [""; 0]);
    let refused = async |fingerprint: &str, class| {
        let chosen = one.choose_schema(fingerprint, class).await.unwrap();
        chosen.unwrap_err()
    };
    assert!(
        refused("another", None)
            .await
            .starts_with("there is no schema another")
    );
    let text = refused(&first().fingerprint(), Some("B")).await;
    assert!(text.ends_with("has no class 'B'"), "{text}");
}

async fn what_is_forgotten_takes_along_what_it_had_added<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    for schema in [first(), second()] {
        add(&*one, schema).await;
    }
    let before = one.schemas_version().await.unwrap();
    assert!(other.forget_schema(&first().fingerprint()).await.unwrap());
    assert!(!other.forget_schema(&first().fingerprint()).await.unwrap());
    assert!(one.schemas_version().await.unwrap() > before);
    assert!(one.schema(&first().fingerprint()).await.unwrap().is_none());
    assert_eq!(conflicts(&*one, &second()).await.1, [""; 0]);
    // It comes last when it comes again.
    add(&*one, first()).await;
    assert_eq!(conflicts(&*other, &first()).await.1, ["A", "E"]);
}

async fn a_choice_goes_with_its_schema<S: Store>() {
    let (state, _place) = new::<S>().await;
    for schema in [first(), second()] {
        add(&*state, schema).await;
    }
    let second_name = second().fingerprint();
    state.choose_schema(&second_name, None).await.unwrap().unwrap();
    assert!(state.forget_schema(&second_name).await.unwrap());
    assert_eq!(conflicts(&*state, &first()).await.1, [""; 0]);
    assert_eq!(state.accepted_schema().await.unwrap(), first());
}

async fn schemas_that_nobody_uses_or_has_chosen_are_forgotten_at_once<S: Store>() {
    let (state, _place) = new::<S>().await;
    for schema in [first(), second(), third()] {
        add(&*state, schema).await;
    }
    assert!(state.note_schema_use(&first().fingerprint()).await.unwrap());
    assert!(!state.note_schema_use("another").await.unwrap());
    let chosen = state.choose_schema(&second().fingerprint(), Some("E")).await;
    assert_eq!(chosen.unwrap(), Ok(vec!["E".to_owned()]));
    let forgotten = state.forget_unused_schemas().await.unwrap();
    assert_eq!(forgotten, [third().fingerprint()]);
    assert_eq!(state.forget_unused_schemas().await.unwrap(), [""; 0]);
    let known = state.known_schemas().await.unwrap();
    assert!(known[&first().fingerprint()].used && !known[&second().fingerprint()].used);
    assert_eq!(known.len(), 2);
}

async fn those_who_send_schemas_at_once_agree_on_their_order<S: Store>() {
    let (states, _place) = two::<S>().await;
    let kinds = ["int", "double", "string", "bool", "data", "date", "uuid", "float"];
    let of = |kind: &str| schema(&format!(r#"{{"name":"n","type":"{kind}"}}"#), "");
    let mut adding = JoinSet::new();
    for (number, kind) in kinds.iter().enumerate() {
        let (state, schema) = (Arc::clone(&states[number % 2]), of(kind));
        adding.spawn(async move { add(&*state, schema).await });
    }
    assert!(adding.join_all().await.into_iter().all(|added| added));
    let listed = states[0].list_schemas().await.unwrap();
    for (place, one) in listed.iter().enumerate() {
        let conflicts = if place == 0 { 0 } else { 2 };
        assert_eq!(one.conflicts.len(), conflicts, "the first alone is accepted");
    }
    assert_eq!(listed.len(), kinds.len());
    for kind in kinds {
        let schema = of(kind);
        let (one, other) = tokio::join!(conflicts(&*states[0], &schema), conflicts(&*states[1], &schema));
        assert_eq!(one, other);
    }
}

async fn a_user_sends_50_schemas_also_many_at_once<S: Store>() {
    let (states, _place) = two::<S>().await;
    let mut adding = JoinSet::new();
    let named = |number: usize| {
        let property = format!(r#",{{"name":"p{number}","type":"int"}}"#);
        schema(r#"{"name":"n","type":"int"}"#, &property)
    };
    for number in 0..46 {
        assert!(add(&*states[0], named(number)).await);
    }
    for number in 46..56 {
        let (state, schema) = (Arc::clone(&states[number % 2]), named(number));
        adding.spawn(async move { add(&*state, schema).await });
    }
    let added = adding.join_all().await.into_iter();
    assert_eq!(added.filter(|added| *added).count(), 4);
    assert!(add(&*states[0], named(0)).await, "it is there");
    assert!(states[1].add_schema(named(99), "another").await.unwrap());
    let accepted = states[1].accepted_schema().await.unwrap();
    assert_eq!(accepted.class("A").unwrap().properties.len(), 2 + 51);
}

async fn of_a_schema_only_what_is_compared_extends_and_contradicts<S: Store>() {
    let (state, _place) = new::<S>().await;
    let mut embedded = second();
    embedded.classes.retain(|class| class.name == "E");
    assert!(add(&*state, third()).await);
    let added = state.add_compared_schema(second(), embedded.clone(), "user");
    assert!(added.await.unwrap());
    let known = state.schema(&second().fingerprint()).await.unwrap().unwrap().1;
    assert_eq!(known.schema, second());
    assert_eq!(known.compared(), &embedded);
    assert!(known.conflicts.keys().eq(["E"]));
    let choose = async |class| state.choose_schema(&second().fingerprint(), class).await.unwrap();
    let text = choose(Some("A")).await.unwrap_err();
    assert!(text.contains("is described by the app's directory"), "{text}");
    assert_eq!(choose(None).await, Ok(vec!["E".to_owned()]));
    let accepted = state.accepted_schema().await.unwrap();
    assert_eq!(accepted.class("E"), embedded.class("E"));
}

async fn an_accepted_class_comes_with_the_embedded_classes_in_it<S: Store>() {
    let ([one, other], _place) = two::<S>().await;
    for schema in [first(), second(), third()] {
        add(&*one, schema).await;
    }
    let of = async |class: &str| other.accepted_class(class).await.unwrap();
    assert_eq!(of("A").await, Some(third()));
    let mut embedded = third();
    embedded.classes.retain(|class| class.name == "E");
    assert_eq!(of("E").await, Some(embedded));
    assert_eq!(of("B").await, None);
    // What the operator decides holds at once.
    one.choose_schema(&second().fingerprint(), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(of("A").await, Some(second()));
}

suite! {
    an_accepted_class_comes_with_the_embedded_classes_in_it,
    of_a_schema_only_what_is_compared_extends_and_contradicts,
    the_first_definition_stands_and_what_fits_is_added,
    a_choice_holds_for_all_gateways_and_can_be_taken_back,
    what_is_forgotten_takes_along_what_it_had_added,
    a_choice_goes_with_its_schema,
    schemas_that_nobody_uses_or_has_chosen_are_forgotten_at_once,
    those_who_send_schemas_at_once_agree_on_their_order,
    a_user_sends_50_schemas_also_many_at_once,
}
