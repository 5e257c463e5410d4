# What is installed is in the locks; nothing is resolved here. tests/deploy/test_dockerfile.py runs the RUN lines.
# A tag moves, a digest does not. For a newer one: docker buildx imagetools inspect python:3.13-slim; for a mirror or an image of your
# own: docker build --build-arg PYTHON_IMAGE=...
ARG PYTHON_IMAGE=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python -m venv /opt/ksm-shard
ENV PATH=/opt/ksm-shard/bin:$PATH
COPY requirements.lock requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
# What builds the project stays out of the image.
RUN pip install --no-cache-dir --require-hashes --target /build -r requirements-build.lock
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY ksm_shard ksm_shard
RUN PYTHONPATH=/build pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/ksm-shard /opt/ksm-shard
# Manifests of kube-state-metrics name its program, and go on to work when only their image is changed.
COPY --from=build /opt/ksm-shard/bin/ksm-shard /kube-state-metrics
# pip has compiled everything; the root file system is read-only where this runs.
ENV PATH=/opt/ksm-shard/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, so that Kubernetes can see that it is not root.
USER 65534:65534
EXPOSE 8080 8081
ENTRYPOINT ["ksm-shard"]
