//! What the operator's commands may rely on, over each sink that they work on.

mod replayed;
mod shared;
mod shown;

use self::replayed::*;
use self::shown::*;

use std::ops::ControlFlow;
use std::sync::Arc;

use bson::{Document, doc};
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::sink::embedded::EmbeddedOperator;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoOperator};
use realm_ingest_gateway::sink::{
    Amount, DeadLetter, LetterStats, Operator, Quota, Replayed, SchemaUse, Verdict, Which,
};
use realm_ingest_protocol::{RefusalCode, Violation};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::common::{note, outbox, schema};
use crate::mongodb::Mongo;
use crate::server::Server;
use crate::stores::{APP, Core, Embedded, Sent, Store};

/// A sink that commands work on.
pub trait Operated: Store {
    async fn operator(&self) -> Box<dyn Operator + Send>;
}

impl Operated for Embedded {
    async fn operator(&self) -> Box<dyn Operator + Send> {
        Box::new(EmbeddedOperator::open(self.directory()).unwrap())
    }
}

impl Operated for Mongo {
    async fn operator(&self) -> Box<dyn Operator + Send> {
        let cluster = Server::shared().await.cluster().await;
        let state = cluster.database(self.state.name());
        Box::new(MongoOperator::new(
            Handle::current(),
            &state,
            DataSources::new(cluster),
            APP,
        ))
    }
}

async fn ask<S: Operated, T: Send + 'static>(
    core: &Core<S>,
    question: impl FnOnce(&dyn Operator) -> T + Send + 'static,
) -> T {
    let operator = core.store.operator().await;
    spawn_blocking(move || question(&*operator)).await.unwrap()
}

/// The letters that are meant.
async fn letters<S: Operated>(core: &Core<S>, which: &Which) -> Vec<DeadLetter> {
    let which = which.clone();
    ask(core, move |operator| {
        let mut letters = Vec::new();
        let keep = &mut |letter| {
            letters.push(letter);
            ControlFlow::Continue(())
        };
        operator.each_dead_letter(&which, keep).unwrap();
        letters
    })
    .await
}

async fn purge<S: Operated>(core: &Core<S>, which: &Which) -> u64 {
    let which = which.clone();
    ask(core, move |operator| operator.purge(&which, &mut |_| ()).unwrap()).await
}

async fn replay<S: Operated>(core: &Core<S>, check: fn(&DeadLetter) -> Verdict) -> [u64; 3] {
    let definition: Arc<Definition> = Arc::clone(&core.definition);
    let replayed = ask(core, move |operator| {
        operator
            .replay(&Which::default(), &definition, &check, &mut |_| ())
            .unwrap()
    });
    let Replayed {
        stored,
        already,
        left,
    } = replayed.await;
    [stored, already, left]
}

/// A note that does not fit its schema.
fn bad(id: &str) -> Document {
    doc! {"_id": id, "text": 5}
}

/// Two letters of a user, and one of another.
async fn with_letters<S: Operated>() -> Core<S> {
    let core = Core::<S>::new().await;
    let one = Sent::new(&[
        (1, &[("Note", note("a", "fits")), ("Note", bad("b"))]),
        (2, &[("Nobody", note("c", "x"))]),
    ]);
    let other = Sent {
        user: "other",
        outbox: 2,
        ..Sent::new(&[(1, &[("Note", bad("d"))])])
    };
    core.send(&one).await.unwrap();
    core.send(&other).await.unwrap();
    core
}

macro_rules! suite {
    ($($promise:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<super::Embedded>().await;
            })+
        }
        mod mongodb {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<super::Mongo>().await;
            })+
        }
    };
}

suite! {
    letters_are_shown_as_far_as_they_are_meant,
    a_purge_takes_what_is_meant_and_makes_room,
    more_letters_than_are_looked_at_at_once_are_all_found,
    a_letter_that_passes_is_stored_once_and_the_others_stay_with_the_reason_they_have_now,
    a_letter_whose_document_is_stored_goes_and_one_whose_id_another_has_stays,
    of_one_transaction_the_later_document_stands_however_many_are_between,
    letters_with_one_id_all_stay_when_it_is_taken,
    what_is_kept_is_counted,
    outboxes_are_shown_with_how_far_they_are,
}
