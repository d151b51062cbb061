//! What documents must satisfy before the sink sees them, one by one. Pure.

mod judge;
mod of_class;
mod superseded;
#[cfg(test)]
mod tests;

pub use judge::{Judge, memory_of};
pub use of_class::OfClass;

use std::rc::Rc;
use std::sync::Arc;

use realm_ingest_protocol::batch::Documents;

use self::superseded::superseded;
use super::IngestError;
use super::batch::Checked;
use super::permits::{Permit, Permits};
use super::refusals::Refusals;
use super::schemas::Schemas;
use super::transaction::{Form, Transaction};
use crate::memory::Budget;

/// Checks transactions under their schemas, each of which is among `schemas`, and by what their user may insert. What is
/// refused is added to `refused`, in the order it was sent. What the checks need meanwhile comes out of `memory`.
///
/// # Errors
/// When there is no memory for that or for the refusals.
pub fn check(
    transactions: Vec<Transaction>,
    schemas: &Schemas,
    permits: &mut Permits<'_>,
    refused: &mut Refusals,
    memory: &mut Budget,
) -> Result<Vec<Checked>, IngestError> {
    let mut checked = Vec::with_capacity(transactions.len());
    let mut transactions = transactions.into_iter();
    let mut next = transactions.next();
    while let Some(form) = next.as_ref().map(|first| Arc::clone(&first.form)) {
        let mut memory_of_runs = memory.another();
        memory_of_runs.try_grow(form.runs.len() * size_of::<OfRun<'_, '_>>())?;
        let runs = of_runs(&form, schemas, permits)?;
        while let Some(transaction) = next.take_if(|next| Arc::ptr_eq(&next.form, &form)) {
            let skipped = one(&transaction, &runs, refused, memory)?;
            checked.push(Checked::new(transaction, skipped));
            next = transactions.next();
        }
    }
    Ok(checked)
}

/// What the documents of a run have to pass.
struct OfRun<'s, 'p> {
    class: OfClass<'s>,
    permit: Option<Rc<Permit<'p>>>,
    count: usize,
}

/// The same for each run of a form.
fn of_runs<'s, 'p>(
    form: &'s Form,
    schemas: &'s Schemas,
    permits: &mut Permits<'p>,
) -> Result<Vec<OfRun<'s, 'p>>, IngestError> {
    let judge = schemas.get(&form.schema).ok_or_else(|| {
        IngestError::Internal(format!("schema {} is neither known nor missing", form.schema))
    })?;
    let runs = form.runs.iter().map(|run| {
        let class = judge.of(&run.class);
        OfRun {
            permit: class.is_known().then(|| permits.of(&run.class)),
            class,
            count: usize::try_from(run.count).unwrap_or(usize::MAX),
        }
    });
    Ok(runs.collect())
}

/// The indexes of documents that are not stored, in ascending order.
fn one(
    transaction: &Transaction,
    runs: &[OfRun<'_, '_>],
    refused: &mut Refusals,
    memory: &mut Budget,
) -> Result<Vec<u32>, IngestError> {
    let mut skipped = Vec::new();
    let mut documents = Documents::new(&transaction.payload).zip(0..);
    for run in runs {
        for (document, index) in documents.by_ref().take(run.count) {
            let permit = run.permit.as_ref();
            let checked = run.class.check(document);
            let permitted =
                checked.and_then(|document| permit.map_or(Ok(()), |permit| permit.check(&document)));
            if let Err(violation) = permitted {
                skipped.push(index);
                refused.push(transaction.seq, index, violation)?;
            }
        }
    }
    let superseded = superseded(transaction, &skipped, memory)?;
    if !superseded.is_empty() {
        skipped.extend(superseded);
        skipped.sort_unstable();
    }
    Ok(skipped)
}
