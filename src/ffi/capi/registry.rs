//! The objects that the program holds. What it gets for one is a number in the shape of a pointer, which nothing is read
//! through: it is looked up here, so that one that was freed, is of another type or was never given out is told apart
//! from a live one. A number is not given out a second time.

use std::any::Any;
use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::process;

type Object = Arc<dyn Any + Send + Sync>;
type Objects = RwLock<BTreeMap<usize, Object>>;

/// Threads that use different objects seldom meet at one lock.
const SHARDS: usize = 32;
/// Set in every number: addresses of a program do not have it where they are 64 bits wide, so that reading through a
/// number fails at once, and nobody takes it for a small integer or a pointer into a heap of its own.
const MARK: usize = 1 << (usize::BITS - 1);

static LIVE: [Objects; SHARDS] = [const { RwLock::new(BTreeMap::new()) }; SHARDS];
/// In a forked child, whose inherited locks may be held for ever. Only errors are made there.
static IN_A_CHILD: [Objects; SHARDS] = [const { RwLock::new(BTreeMap::new()) }; SHARDS];
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn shard(number: usize) -> &'static Objects {
    let shards = if process::is_foreign() { &IN_A_CHILD } else { &LIVE };
    // In bounds: it is a remainder.
    &shards[number % SHARDS]
}

/// Gives an object to the program.
pub(super) fn add<T: Any + Send + Sync>(object: T) -> *mut T {
    let object: Object = Arc::new(object);
    loop {
        // Where a number has 32 bits, it may come round to objects that live long.
        let number = NEXT.fetch_add(1, Ordering::Relaxed) | MARK;
        let mut objects = shard(number).write().unwrap_or_else(PoisonError::into_inner);
        if let std::collections::btree_map::Entry::Vacant(free) = objects.entry(number) {
            free.insert(object);
            return ptr::without_provenance_mut(number);
        }
    }
}

/// The object of this handle, which lives on while it is used.
pub(super) fn find<T: Any + Send + Sync>(handle: *const T) -> Option<Arc<T>> {
    let number = handle.addr();
    let objects = shard(number).read().unwrap_or_else(PoisonError::into_inner);
    objects.get(&number)?.clone().downcast().ok()
}

/// Takes the object of this handle from the program.
pub(super) fn remove<T: Any + Send + Sync>(handle: *const T) -> Option<Arc<T>> {
    let number = handle.addr();
    let mut objects = shard(number).write().unwrap_or_else(PoisonError::into_inner);
    if !objects.get(&number)?.is::<T>() {
        return None;
    }
    objects.remove(&number)?.downcast().ok()
}

/// How many objects the program holds.
pub(super) fn count() -> usize {
    let of = |objects: &Objects| objects.read().unwrap_or_else(PoisonError::into_inner).len();
    let shards = if process::is_foreign() { &IN_A_CHILD } else { &LIVE };
    shards.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Apple(u8);
    struct Pear;

    #[test]
    fn an_object_is_found_until_it_is_removed_and_never_after() {
        let handle = add(Apple(1));
        assert_eq!(*find(handle).unwrap(), Apple(1));
        let in_use = find(handle).unwrap();
        assert!(remove(handle).is_some());
        assert!(find(handle).is_none() && remove(handle).is_none());
        assert_eq!(*in_use, Apple(1), "a call that has begun still has it");
        let other = add(Apple(2));
        assert!(find(handle).is_none(), "its number was given to another");
        remove(other).unwrap();
    }

    #[test]
    fn an_object_of_another_type_is_not_found_and_stays() {
        let handle = add(Apple(1));
        assert!(find(handle.cast::<Pear>()).is_none());
        assert!(remove(handle.cast::<Pear>()).is_none());
        assert!(remove(handle).is_some());
    }

    #[test]
    fn what_was_never_given_out_is_not_found() {
        let apple = Apple(1);
        assert!(find(&raw const apple).is_none());
        assert!(find(ptr::null::<Apple>()).is_none());
    }
}
