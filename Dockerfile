# The operator's image: controller and migrator, for amd64 and arm64.
#   docker build -t registry.example.com/litellm-database-operator:0.1.0 .
# What lies below /opt is put together by images/content.py, which also makes the image of the
# local cluster: both hold the same. Pin BASE by its digest where your policy asks for it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS content
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils ca-certificates python3 python3-pip
WORKDIR /source
# Three steps, so that a change of our own code installs nothing again.
COPY images/ images/
COPY requirements/runtime.txt requirements/
COPY engine/package.json engine/package-lock.json engine/
COPY engine/prisma-cli/package.json engine/prisma-cli/package-lock.json engine/prisma-cli/
RUN python3 -m images.content --to /content dependencies
COPY bundles/ bundles/
RUN python3 -m images.content --to /content bundles
COPY LICENSE NOTICE schema.prisma ./
COPY migrations/ migrations/
COPY engine/ engine/
COPY operator/ operator/
RUN python3 -m images.content --to /content application

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=content /content /opt/litellm-database-operator
ENV PATH=/opt/litellm-database-operator/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/litellm-database-operator/operator:/opt/litellm-database-operator/site-packages \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 \
    HOME=/tmp
WORKDIR /opt/litellm-database-operator
# Any uid will do: everything is readable by all, and nothing is written but /tmp.
USER 65532:65532
ENTRYPOINT ["python3", "-m", "litellm_database_operator"]
