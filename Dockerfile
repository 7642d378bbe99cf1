# Two images from one file: `vm` runs one machine, `analysis` reads logs.
# Plain instructions only, which both the classic builder and BuildKit accept.

FROM python:3.13-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements.lock ./

FROM base AS vm
# The lock file lists all packages of the project; an image installs only its own.
RUN sed -nE '/^(grpcio|grpcio-health-checking|grpcio-reflection|protobuf|typing-extensions)==/,/[^\\]$/p' \
        requirements.lock > installed.lock \
    && pip install --require-hashes -r installed.lock
# Because of the placeholder, the engine copies the folder, with its owner, to the empty volume
# that is mounted over it.
RUN useradd --uid 10001 --no-create-home vklocks \
    && mkdir /logs && touch /logs/.vklocks && chown -R vklocks /logs
COPY vm vm
# The official image has no bytecode of the standard library: without this, each machine would
# spend half a second on compiling its imports at every start.
RUN python -m compileall -q vm && PYTHONDONTWRITEBYTECODE= python -m vm --help > /dev/null
USER vklocks
ENTRYPOINT ["python", "-m", "vm"]

FROM base AS analysis
# --ignore-installed: versions of these packages in the base image must not be removed.
ARG TABLES="regex|numpy|numba|llvmlite|polars|polars-runtime-32|rich|markdown-it-py|mdurl|pygments"
ARG REPORTS="vl-convert-python|jinja2|markupsafe"
RUN sed -nE "/^($TABLES|$REPORTS)==/,/[^\\]\$/p" requirements.lock > installed.lock \
    && pip install --ignore-installed --require-hashes -r installed.lock
COPY vm vm
COPY analysis analysis
RUN python -m compileall -q vm analysis
ENTRYPOINT ["python", "-m", "analysis"]
