# Two images from one file: `vm` runs one machine, `analysis` reads logs.
# Plain instructions only, which both the classic builder and BuildKit accept.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements.lock ./

# What is removed here would stay in the layers of the official image, so its files are copied.
FROM python:3.13-slim AS slim
RUN cd "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && rm -rf "$(python -c 'import pip; print(*pip.__path__)')" ensurepip idlelib test \
        /usr/share/doc /usr/share/locale /usr/share/man /usr/share/python-wheels

FROM scratch AS base
COPY --from=slim / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app

FROM build AS vm-packages
# The lock file lists all packages of the project; an image installs only its own.
RUN sed -nE '/^(grpcio|grpcio-health-checking|grpcio-reflection|protobuf|typing-extensions)==/,/[^\\]$/p' \
        requirements.lock > installed.lock \
    && pip install --require-hashes -r installed.lock --target /packages

FROM base AS vm
COPY --from=vm-packages /packages ./
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

FROM build AS analysis-packages
ARG TABLES="regex|numpy|polars|polars-runtime-32|rich|markdown-it-py|mdurl|pygments"
ARG PAGES="jinja2|markupsafe|vl-convert-python"
# Pages need the scripts of Vega, which are taken from its library once, below. The library itself
# draws chart files, which this image does not.
RUN sed -nE "/^($TABLES|$PAGES)==/,/[^\\]\$/p" requirements.lock > installed.lock \
    && pip install --require-hashes -r installed.lock --target /packages \
    && mkdir /drawing && mv /packages/vl_convert /drawing

FROM analysis-packages AS scripts
COPY vm vm
COPY analysis analysis
RUN PYTHONPATH=/packages:/drawing python -c "from analysis.report import vega; vega.bundle()"

FROM base AS analysis
COPY --from=analysis-packages /packages ./
COPY vm vm
COPY analysis analysis
COPY --from=scripts /app/analysis/report/__pycache__ analysis/report/__pycache__
RUN python -m compileall -q vm analysis \
    && PYTHONDONTWRITEBYTECODE= python -m analysis --help > /dev/null
ENTRYPOINT ["python", "-m", "analysis"]
