//! The suite.

mod origin;
mod room;
mod stored;

use self::origin::*;
use self::room::*;
use self::stored::*;

use std::sync::atomic::Ordering;

use bson::doc;
use realm_ingest_gateway::ingest::IngestError;
use realm_ingest_gateway::sink::{Amount, Full, Quota};

use crate::common::{note, outbox};
use crate::stores::{Core, Sent, Store};

macro_rules! suite {
    ($name:ident, $store:ty: $($promise:ident),+ $(,)?) => {
        mod $name {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise::<$store>().await;
            })+
        }
    };
}

macro_rules! suites {
    ($($name:ident: $store:ty),+ $(,)?) => {
        $(suite! { $name, $store:
            documents_and_the_position_are_stored,
            a_batch_sent_again_changes_nothing_and_is_answered_the_same,
            what_is_stored_already_is_counted_and_what_differs_is_not,
            the_later_of_two_in_one_transaction_stands,
            the_first_of_two_transactions_stands,
            a_document_is_the_same_wherever_its_id_stands,
            one_id_in_two_classes_is_two_documents,
            a_hole_is_refused_with_the_position_until_it_is_filled,
            an_outbox_that_was_acknowledged_more_is_taken_and_recorded,
            a_copy_is_told_and_changes_nothing,
            a_copy_that_shares_what_waited_is_told_by_its_dead_letters,
            of_two_copies_at_once_one_is_told,
            two_users_with_one_outbox_name_do_not_meet,
            the_same_batch_from_many_at_once_is_stored_once,
            two_batches_at_once_end_as_if_one_came_first,
            a_batch_without_room_for_its_dead_letters_is_not_settled,
            one_request_has_room_when_its_user_has_nothing_else,
            what_all_have_holds_up_only_users_with_more_than_their_own,
            of_batches_at_once_only_those_without_room_wait,
        })+
    };
}

suites! {
    embedded: crate::stores::Embedded,
    stepwise: crate::memory::MemorySteps,
    mongodb: crate::mongodb::Mongo,
}
