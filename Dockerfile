# The image of celigo-exporter: docs/install.md tells how to build and run it.
#
# One base for both stages, so that the virtual environment finds the interpreter that it was made with. The tag is fixed;
# renovate.json has it pinned by digest as well, as soon as somebody lets Renovate run, and the provenance of a released
# image names the digest that it was built from.
ARG PYTHON_IMAGE=docker.io/library/python:3.11.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY constraints.txt constraints-build.txt ./
# What builds stays here. What runs is installed from outside, so that no pip comes along.
RUN python -m venv /build \
    && /build/bin/python -m pip install --require-hashes --only-binary :all: -r constraints-build.txt \
    && python -m venv --without-pip /opt/celigo-exporter \
    && /build/bin/python -m pip --python /opt/celigo-exporter/bin/python \
        install --no-compile --require-hashes --only-binary :all: -r constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY docs/man docs/man
COPY exporter exporter
# Compiled here, because nothing may be written where it runs; by content, so that the same source is the same bytes.
RUN /build/bin/python -m hatchling build -t wheel -d /dist \
    && /build/bin/python -m pip --python /opt/celigo-exporter/bin/python \
        install --no-compile --no-deps --no-index /dist/*.whl \
    && /opt/celigo-exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/celigo-exporter/lib

FROM ${PYTHON_IMAGE}
# The only folder that is ever written, and only when `state.path` or CELIGO_STATE_PATH names a file in it.
RUN install -d -m 0750 -o 65534 -g 65534 /var/lib/celigo-exporter
COPY --from=build /opt/celigo-exporter /opt/celigo-exporter
ENV PATH=/opt/celigo-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65534:65534
EXPOSE 10940
# For other flags of the web server, give the same ones here: docs/install.md.
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 CMD ["celigo-exporter", "healthcheck"]
ENTRYPOINT ["celigo-exporter"]
# Last, so that a new version changes no layer before it.
ARG PYTHON_IMAGE
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="celigo-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Celigo integrator.io" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/celigo-exporter/celigo-exporter" \
      org.opencontainers.image.documentation="https://github.com/celigo-exporter/celigo-exporter/blob/main/docs/install.md" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
