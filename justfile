# `just` lists these. CI runs `.ci/run`, which holds the rules; the recipes here are its parts and a few conveniences.

_list:
    @just --list --unsorted

# Everything that CI checks.
ci:
    bash .ci/run

# Writes the sources in the project's form.
fmt:
    cargo fmt

# What clippy has to say, as CI asks it.
lint:
    cargo clippy --all-targets --all-features -- -D warnings

# All tests, or those whose name holds FILTER: `just test dispatch::`.
test *FILTER:
    cargo test {{ FILTER }}

# So many simulated days, each from its seed; `SEXTON_SIM_SEED=17 just sim` plays one again.
sim SEEDS="2000":
    SEXTON_SIM_SEEDS={{ SEEDS }} cargo test --test it -- --nocapture simulation::whatever

# So many times `kill -9` at random moments of a real sidecar under load, on loopback.
kill9 ROUNDS="200":
    SEXTON_KILL_ROUNDS={{ ROUNDS }} cargo test --test it -- --nocapture simulation::real::killed

# The docs, with every warning an error.
doc *ARGS:
    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --all-features {{ ARGS }}

# Licences, bans, sources, and advisories (these need the network).
deny:
    cargo deny check

# Dependencies that nothing uses.
unused:
    bash .ci/unused-dependencies

# Ratios against a bare loop on the same server; see BENCHMARKS.md.
bench *ARGS:
    cargo bench {{ ARGS }}

# The sidecar and the reference app in one process.
demo:
    cargo run -- demo
