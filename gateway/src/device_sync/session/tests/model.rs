//! Whatever happens in whatever order: no client ever sees anything wrong, nothing is acknowledged that is not stored, and once
//! nothing fails any more everything is stored and acknowledged, and all that somebody waits for has come.

use proptest::prelude::*;

use super::file::File;
use super::world::{Outcome, World};

#[derive(Debug, Clone, Copy)]
enum Step {
    Write(usize),
    WriteNothing(usize),
    Subscribe(usize, bool),
    WantDownloads(usize),
    Open(usize),
    Close(usize),
    Resume(usize),
    Clumsy(usize),
    Frail(usize),
    BackUp(usize),
    Restore(usize),
    Connect(bool),
    Cut(bool),
    Ping,
    Speak(usize, usize),
    Up,
    Down,
    Work(usize, Outcome),
    WorkLate(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..2_usize;
    let outcome = prop_oneof![
        6 => (1..4_usize).prop_map(Outcome::Done),
        1 => any::<bool>().prop_map(|is_stored| Outcome::Later { is_stored }),
    ];
    prop_oneof![
        12 => client.clone().prop_map(Step::Write),
        2 => client.clone().prop_map(Step::WriteNothing),
        2 => (client.clone(), any::<bool>()).prop_map(|(client, is_empty)| Step::Subscribe(client, is_empty)),
        2 => client.clone().prop_map(Step::WantDownloads),
        6 => client.clone().prop_map(Step::Open),
        1 => client.clone().prop_map(Step::Close),
        4 => client.clone().prop_map(Step::Resume),
        1 => client.clone().prop_map(Step::Clumsy),
        1 => client.clone().prop_map(Step::Frail),
        1 => client.clone().prop_map(Step::BackUp),
        1 => client.clone().prop_map(Step::Restore),
        6 => any::<bool>().prop_map(Step::Connect),
        1 => any::<bool>().prop_map(Step::Cut),
        1 => Just(Step::Ping),
        40 => (client.clone(), 1..4_usize).prop_map(|(client, most)| Step::Speak(client, most)),
        40 => Just(Step::Up),
        40 => Just(Step::Down),
        30 => (client.clone(), outcome).prop_map(|(client, outcome)| Step::Work(client, outcome)),
        1 => client.prop_map(|client| Step::Work(client, Outcome::Never)),
        3 => any::<bool>().prop_map(Step::WorkLate),
    ]
}

fn take(world: &mut World, step: Step) {
    match step {
        Step::Write(which) => world.write(which),
        Step::WriteNothing(which) => world.client(which).file.write(None),
        Step::Subscribe(which, is_empty) => world.client(which).file.subscribe(is_empty),
        Step::WantDownloads(which) => world.client(which).want_downloads(),
        Step::Open(which) => {
            world.open(which);
        }
        Step::Close(which) => world.client(which).close(),
        Step::Resume(which) => world.client(which).resume(),
        Step::Clumsy(which) => world.client(which).is_clumsy = true,
        Step::Frail(which) => world.client(which).is_frail = true,
        Step::BackUp(which) => {
            let client = world.client(which);
            client.backup = client.file.clone();
        }
        Step::Restore(which) => world.restore(which),
        Step::Connect(is_fast) => {
            world.connect(is_fast);
        }
        Step::Cut(is_stored) => world.cut(is_stored),
        Step::Ping => world.ping(),
        Step::Speak(which, most) => {
            world.speak(which, most);
        }
        Step::Up => {
            world.up();
        }
        Step::Down => {
            world.down();
        }
        Step::Work(which, outcome) => {
            world.work(which, outcome);
        }
        Step::WorkLate(fails) => world.work_late(fails),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_client_sees_anything_wrong_and_everything_is_stored_in_the_end(
        n in 2..15_u8,
        steps in proptest::collection::vec(step(), 0..400),
    ) {
        let mut world = World::new(n, vec![File::fresh(), File::served_before()]);
        for step in steps {
            take(&mut world, step);
        }
        world.rest();
    }
}

#[test]
fn a_client_that_nothing_happens_to_comes_to_rest() {
    for n in 2..15 {
        let mut world = World::new(n, vec![File::fresh(), File::served_before()]);
        for which in 0..60 {
            world.write(which);
        }
        world.client(0).file.subscribe(true);
        world.client(1).file.subscribe(false);
        world.rest();
        world.write(0);
        world.rest();
    }
}
