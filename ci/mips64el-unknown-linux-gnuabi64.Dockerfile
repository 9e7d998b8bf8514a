# What a container needs to build and run tests for mips64el-unknown-linux-gnuabi64; used through Cross.toml.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --assume-yes --no-install-recommends \
        ca-certificates gcc libc6-dev gcc-mips64el-linux-gnuabi64 libc6-dev-mips64el-cross qemu-user \
    && rm -rf /var/lib/apt/lists/*
# The last one is for tests that start programs of their own: they cannot be started without the emulator.
ENV CARGO_TARGET_MIPS64EL_UNKNOWN_LINUX_GNUABI64_LINKER=mips64el-linux-gnuabi64-gcc \
    CARGO_TARGET_MIPS64EL_UNKNOWN_LINUX_GNUABI64_RUNNER="qemu-mips64el -L /usr/mips64el-linux-gnuabi64" \
    SURE_TEST_RUNNER="qemu-mips64el -L /usr/mips64el-linux-gnuabi64"
