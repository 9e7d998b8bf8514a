//! What must not compile.

#[test]
fn coro() {
    trybuild::TestCases::new().compile_fail("tests/coro/*.rs");
}

#[test]
fn coro_dynamic() {
    trybuild::TestCases::new().compile_fail("tests/coro-dynamic/*.rs");
}
