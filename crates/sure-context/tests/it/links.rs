//! Where a link leads, for those that look at it and do not resume.

use core::num::NonZeroUsize;
use sure_context::{ExecutionContext, ParentLink};

#[test]
fn a_link_leads_where_it_was_told() {
    let link = ParentLink::new();
    let number = NonZeroUsize::new(0x1000).unwrap();
    // SAFETY: only looked at, and given back as a number: it is never continued.
    let token = unsafe { ExecutionContext::from_raw(number) };
    link.lead_to(&token);
    assert_eq!(token.as_raw(), number);
    // SAFETY: only looked at, as above.
    let resumer = unsafe { link.resumer() };
    assert_eq!([resumer.into_raw(), token.into_raw()], [number; 2]);
}

#[test]
fn a_walk_ends_where_a_link_leads_nowhere() {
    let link = ParentLink::new();
    link.lead_nowhere();
    // SAFETY: only looked at: it is never continued.
    let nowhere = unsafe { link.resumer() }.into_raw().get();
    let nowhere: *const usize = core::ptr::with_exposed_provenance(nowhere);
    assert!(nowhere.is_aligned());
    // SAFETY: a static, exposed, with words on either side of this one.
    assert_eq!(unsafe { nowhere.read() }, 0, "the record before it");
}
