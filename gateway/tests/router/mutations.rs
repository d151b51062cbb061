//! Damaged batches by the thousand, with a fixed seed: an answer each time, and never a defect of ours.

use crate::common::{Local, batch, bytes, note, one_run, outbox, reading, schema};

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

fn mutate(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=random.below(3) {
        let place = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[place] = random.byte(),
            1 => bytes[place] ^= 1 << random.below(8),
            2 => bytes.insert(place, random.byte()),
            3 => drop(bytes.remove(place)),
            _ => {
                let end = place + random.below(bytes.len() - place);
                let piece = bytes[place..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

#[tokio::test]
async fn mutated_batches_get_an_answer() {
    let gateway = Local::new().await;
    let token = gateway.ready().await;
    let runs = vec![
        ("Note", bytes(&[note("a", "1"), note("b", "2")])),
        ("Reading", bytes(&[reading(1.0)])),
    ];
    let good = batch(&outbox(1), &schema(), &[(1, runs.clone()), (5, runs)]);
    let compressed = zstd::encode_all(&good[..], 1).unwrap();
    let mut random = Random(0xBAD_5EED);
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    for round in 0..1_500 {
        let (encoding, body) = if round % 4 == 0 {
            ("zstd", mutate(&compressed, &mut random))
        } else {
            ("identity", mutate(&good, &mut random))
        };
        let answer = gateway.post(&token, encoding, body).await;
        assert!(
            matches!(answer.status, 200 | 400 | 409 | 413),
            "round {round}: {:?}",
            answer.json
        );
        *seen.entry(answer.status).or_default() += 1;
    }
    assert!(seen.contains_key(&200) && seen.contains_key(&400), "{seen:?}");
    // Whatever got through can be read back.
    for document in gateway.stored() {
        assert!(document.contains_key("_id"));
    }
    // One that got through may have taken the good one's name.
    let good = batch(&outbox(2), &schema(), &[one_run(1, "Note", &[note("c", "3")])]);
    assert_eq!(gateway.post(&token, "identity", good).await.status, 200);
}
