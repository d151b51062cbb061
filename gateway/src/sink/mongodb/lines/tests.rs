#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use bson::doc;
use tokio::net::TcpListener;

use super::super::errors::{Fault, Unique};
use super::*;
use crate::cluster::Cluster;
use crate::definition::Definition;

fn members(room: &Arc<Semaphore>, firsts: &[usize]) -> (Vec<Member>, Vec<Answered>) {
    let member = |first: &usize| {
        let (reply, answer) = oneshot::channel();
        let room = Arc::clone(room).try_acquire_owned().unwrap();
        let member = Member {
            first: *first,
            reply,
            _room: room,
        };
        (member, answer)
    };
    firsts.iter().map(member).unzip()
}

/// The lines of two deployments that take connections and never answer, and what keeps these so.
async fn lines() -> (Lines, [TcpListener; 2]) {
    let silent = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0"));
    let [one, other] = silent;
    let listeners = [one.await.unwrap(), other.await.unwrap()];
    let cluster = async |listener: &TcpListener| {
        let uri = format!(
            "mongodb://{}/?directConnection=true",
            listener.local_addr().unwrap()
        );
        Cluster::new(&uri.into()).await.unwrap()
    };
    let [one, other] = &listeners;
    let sources = DataSources::new(cluster(one).await).with("other".to_owned(), cluster(other).await);
    (Lines::new(sources), listeners)
}

fn line(lines: &Lines, data_source: &str) -> Arc<Line> {
    let mut definition = Definition::development(None);
    definition.sync.data_source = Some(data_source.to_owned());
    lines.of(&definition.destination("Reading"))
}

fn place(document: &[u8]) -> Place<'_> {
    Place {
        class: "Reading",
        seq: 1,
        index: 0,
        document,
    }
}

#[tokio::test]
async fn what_waits_for_one_deployment_takes_no_room_from_another() {
    let (lines, _silent) = lines().await;
    let document = doc! {"_id": 1}.to_vec().unwrap();
    let hung = line(&lines, "one");
    let _all = hung.room_for(ROOM).await.unwrap();
    let same = line(&lines, "another name of it");
    assert_eq!(
        same.room.available_permits(),
        0,
        "names of one deployment share its room"
    );
    let good = line(&lines, "other");
    assert!(good.room.available_permits() >= ROOM);
    let joined = at_once(good.join(&[place(&document)]));
    assert!(joined.is_some());
}

/// What a future answers that has to wait for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(answer) => Some(answer),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent_and_gives_its_room_back() {
    let (lines, _silent) = lines().await;
    let line = line(&lines, "one");
    let turns = line
        .turns
        .acquire_many(u32::try_from(TURNS).unwrap())
        .await
        .unwrap();
    let document = doc! {"_id": 1}.to_vec().unwrap();
    drop(line.join(&[place(&document)]).await.unwrap());
    assert_eq!(line.room.available_permits(), ROOM - document.len());
    drop(turns);
    // All that can run has run by then. The deployment never answers, so what was sent would keep its room.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(line.room.available_permits(), ROOM);
    assert_eq!(line.turns.available_permits(), TURNS);
}

#[tokio::test]
async fn what_goes_alone_takes_its_room_before_a_turn() {
    let (lines, _silent) = lines().await;
    let line = line(&lines, "one");
    let document = doc! {"_id": 1}.to_vec().unwrap();
    let all = line.room_for(ROOM).await.unwrap();
    let places = [place(&document)];
    let mut alone = std::pin::pin!(line.alone(&places, None));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(alone.as_mut().poll(&mut context).is_pending());
    assert_eq!(line.turns.available_permits(), TURNS, "no turn is held meanwhile");
    drop(all);
    assert!(alone.as_mut().poll(&mut context).is_pending());
    assert_eq!(line.room.available_permits(), ROOM - document.len());
    assert_eq!(line.turns.available_permits(), TURNS - 1);
}

#[test]
fn each_is_told_what_is_wrong_with_its_own_documents() {
    let room = Arc::new(Semaphore::new(10));
    let (members, answers) = members(&room, &[0, 2, 3, 5]);
    let faults = [6, 1, 5, 3].map(|index| (index, Fault::Duplicate(Unique::Id)));
    answer(members, Ok(Inserted::Except(faults.into())));
    let told = answers.into_iter().map(|mut answer| match answer.try_recv() {
        Ok(Ok(Inserted::Except(faults))) => faults.into_iter().map(|(index, _)| index).collect(),
        other => panic!("{other:?}"),
    });
    let wanted = [vec![1], vec![], vec![0], vec![0, 1]];
    assert_eq!(told.collect::<Vec<Vec<_>>>(), wanted);
    assert_eq!(room.available_permits(), 10);
}

#[test]
fn a_document_that_the_database_does_not_store_concerns_who_sent_it() {
    let room = Arc::new(Semaphore::new(10));
    let (members, mut answers) = members(&room, &[0, 1]);
    answer(members, Ok(Inserted::Except(vec![(1, Fault::Unknown(4_711))])));
    let mut told = answers.iter_mut().map(|answer| match answer.try_recv() {
        Ok(Ok(Inserted::Except(faults))) => faults,
        other => panic!("{other:?}"),
    });
    assert_eq!(told.next(), Some(vec![]));
    assert_eq!(told.next(), Some(vec![(0, Fault::Unknown(4_711))]));
}
