# Any asyncio program under asyncwatch: the command's words follow the entry point.
#   docker build -t asyncwatch .
#   docker run --rm -v "$PWD:/app:ro" -e ASYNCWATCH=light asyncwatch service.py
FROM python:3.13-slim AS build
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
RUN pip install --no-cache-dir --root-user-action=ignore --prefix=/installed "/src[uvloop]"

FROM python:3.13-slim
COPY --from=build /installed /usr/local
# /run/asyncwatch is for volumes that several containers share: a new one begins as this directory is.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin asyncwatch && install --directory --mode 1777 /run/asyncwatch
USER 10001
WORKDIR /app
ENTRYPOINT ["python", "-m", "asyncwatch"]
