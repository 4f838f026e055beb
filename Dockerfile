# The image of every process: one user, no build tools, no secrets. What it runs is said by docker-compose.yml.
FROM python:3.11-slim-bookworm AS build

# Everything that is installed below was checked against a hash, this builder of our own wheel too.
RUN printf 'setuptools==80.10.2 --hash=sha256:%s\n' \
        95b30ddfb717250edb492926c92b5221f7ef3fbcc2b07579bcd4a27da21d0173 > /tmp/setuptools.txt \
    && python -m venv /opt/broadcaster \
    && pip install --no-cache-dir --require-hashes -r /tmp/setuptools.txt
# The lock file also holds what only the tests need: all of it is fetched and checked, and only what we need installed.
WORKDIR /build
COPY requirements.lock ./
RUN pip download --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements.lock -d /wheels
COPY pyproject.toml README.md LICENSE ./
COPY broadcaster broadcaster
COPY channels channels
COPY templates templates
COPY worker worker
RUN pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation -w /wheels . \
    && pip --python /opt/broadcaster/bin/python install --no-cache-dir --no-index --find-links /wheels --compile crisis-broadcaster \
    && pip --python /opt/broadcaster/bin/python uninstall --yes setuptools pip

FROM python:3.11-slim-bookworm

# A number, so that files of the host can be given to it; nothing in the image belongs to it but its empty data folder.
RUN groupadd --gid 10001 broadcaster \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin broadcaster \
    && install -d -m 0700 -o 10001 -g 10001 /data /seal /anchors \
    && install -d -m 0755 /credentials \
    && pip uninstall --yes --root-user-action ignore setuptools wheel pip
COPY --from=build /opt/broadcaster /opt/broadcaster
ENV PATH=/opt/broadcaster/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BROADCASTER_DATA_DIR=/data \
    MALLOC_ARENA_MAX=2
WORKDIR /data
VOLUME /data
USER 10001:10001
STOPSIGNAL SIGTERM
CMD ["broadcaster", "--help"]
