# uad-bench in a container, for CPUs and, with the NVIDIA container toolkit, GPUs. docs/containers.md has the commands.
# BASE: an image with Python 3.11.4 or newer; DIGEST: its sha256:..., so that the same image is used each time.
ARG BASE=python:3.11-slim-bookworm
ARG DIGEST=
FROM ${BASE}${DIGEST:+@${DIGEST}}

# Where pip looks besides its usual index, for instance for builds of torch without CUDA.
ARG PIP_EXTRA_INDEX_URL=
# Extras of the package, separated by commas; COMMIT: what `uad-bench --version` prints.
ARG EXTRAS=strip
ARG COMMIT=

SHELL ["/bin/sh", "-eu", "-c"]
COPY . /opt/uad-bench/source
WORKDIR /opt/uad-bench/source
RUN mkdir -p uad_bench/_shipped && echo "${COMMIT}" >uad_bench/_shipped/commit.txt
RUN UAD_BENCH_VENV=/opt/uad-bench/venv UAD_BENCH_EXTRAS="${EXTRAS}" PIP_NO_CACHE_DIR=1 scripts/setup

ENV PATH=/opt/uad-bench/venv/bin:$PATH UAD_BENCH_CACHE=/cache
RUN useradd --create-home --uid 1000 user && mkdir -p /cache /data /runs && chown user /cache /runs
USER 1000
WORKDIR /
ENTRYPOINT ["uad-bench"]
CMD ["--help"]
