# Two images from one file: `vm` holds one machine and what it needs, `analysis` reads logs.
# Plain instructions only: both the classic builder and BuildKit take them.

FROM python:3.13-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements.lock ./

FROM base AS vm
# The lock file holds everything that the project uses; an image takes its own part of it.
RUN sed -nE '/^(grpcio|grpcio-health-checking|grpcio-reflection|protobuf|typing-extensions)==/,/[^\\]$/p' \
        requirements.lock > installed.lock \
    && pip install --require-hashes -r installed.lock
# The placeholder makes the engine hand the folder, with its owner, on to the empty volume
# that is mounted over it.
RUN useradd --uid 10001 --no-create-home vklocks \
    && mkdir /logs && touch /logs/.vklocks && chown -R vklocks /logs
COPY vm vm
# The official image has no bytecode of the standard library: without this, each machine would
# compile its imports anew at its start, in half a second.
RUN python -m compileall -q vm && PYTHONDONTWRITEBYTECODE= python -m vm --help > /dev/null
USER vklocks
ENTRYPOINT ["python", "-m", "vm"]

FROM base AS analysis
# Whatever a base image has of these itself is left alone: its packages are not ours to remove.
ARG TABLES="regex|numpy|numba|llvmlite|polars|polars-runtime-32|rich|markdown-it-py|mdurl|pygments"
ARG REPORTS="vl-convert-python|jinja2|markupsafe"
RUN sed -nE "/^($TABLES|$REPORTS)==/,/[^\\]\$/p" requirements.lock > installed.lock \
    && pip install --ignore-installed --require-hashes -r installed.lock
COPY vm vm
COPY analysis analysis
RUN python -m compileall -q vm analysis
ENTRYPOINT ["python", "-m", "analysis"]
