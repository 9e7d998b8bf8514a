//! No system that is known: one error.

compile_error!(
    "sure-stack takes stacks from Linux, Android, Apple's systems, FreeBSD and Windows; elsewhere \
     leave out its feature `std` and bring memory of your own"
);
