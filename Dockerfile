# Two stages: what builds the environment does not travel with it.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/stillnew
COPY requirements/ requirements/
RUN /opt/stillnew/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml LICENSE README.md ./
COPY events/ events/
COPY projections/ projections/
COPY service/ service/
COPY client/ client/
COPY demo/ demo/
COPY migrations/ migrations/
# setuptools stays in this stage, hashed like the rest.
RUN python -m venv /opt/builder \
 && /opt/builder/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/builder/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/stillnew/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home stillnew
COPY --from=build /opt/stillnew /opt/stillnew
ENV PATH=/opt/stillnew/bin:$PATH PYTHONUNBUFFERED=1 STILLNEW_DATA=/data STILLNEW_LOG=json
USER stillnew
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["stillnew", "serve", "--host", "0.0.0.0", "--port", "8000"]
