# The image of the runner: `python -m runner` near the data, its packages by their digests, PostgreSQL's client
# programs, and nothing to build with. See docs/clouds/runner.md.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-common \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-runner.lock /
# A package without a wheel for this platform ends the build: nothing is compiled here.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
        -r /requirements-runner.lock

FROM ${BASE}
# The newest major version: its pg_restore reads every older dump.
ARG POSTGRESQL=18
COPY --from=packages /usr/share/postgresql-common/pgdg/apt.postgresql.org.asc /etc/apt/keyrings/postgresql.asc
RUN echo "deb [signed-by=/etc/apt/keyrings/postgresql.asc] http://apt.postgresql.org/pub/repos/apt bookworm-pgdg main" \
        > /etc/apt/sources.list.d/postgresql.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-${POSTGRESQL} \
    && rm -rf /var/lib/apt/lists/*
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /reforge
COPY problem.py ./
COPY archive ./archive
COPY dbrestore ./dbrestore
COPY runner ./runner
COPY toolchain ./toolchain
COPY validation ./validation
# The root is read-only in a pod, and each start would compile anew.
RUN python -m compileall -q .
# By number: only so can a node see that it is not root.
USER 10001:10001
ENTRYPOINT ["python", "-m", "runner"]
