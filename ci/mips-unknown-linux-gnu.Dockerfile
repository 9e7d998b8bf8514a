# What a container needs to build and run tests for mips-unknown-linux-gnu; used through Cross.toml.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --assume-yes --no-install-recommends \
        ca-certificates gcc libc6-dev gcc-mips-linux-gnu libc6-dev-mips-cross qemu-user \
    && rm -rf /var/lib/apt/lists/*
# The last one is for tests that start programs of their own: they cannot be started without the emulator.
ENV CARGO_TARGET_MIPS_UNKNOWN_LINUX_GNU_LINKER=mips-linux-gnu-gcc \
    CARGO_TARGET_MIPS_UNKNOWN_LINUX_GNU_RUNNER="qemu-mips -L /usr/mips-linux-gnu" \
    SURE_TEST_RUNNER="qemu-mips -L /usr/mips-linux-gnu"
