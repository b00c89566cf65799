# 業問 Yewen in a container: docker build -t yewen . && docker run -p 127.0.0.1:8000:8000 -v yewen:/data yewen
# The first start indexes seeds/; put other articles in with: docker run … yewen yewen index /articles
FROM python:3.11-slim AS build
ARG EXTRAS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /app
COPY pyproject.toml constraints.txt ./
# What is required goes in before the sources, so that a changed source does not install it anew. The CPU build of torch
# has an index of its own; the constraint's 2.13.0 takes its 2.13.0+cpu, which counts as newer than the plain one.
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
extras = [name for name in '${EXTRAS}'.split(',') if name]; \
print(*project['dependencies'], *[one for name in extras for one in project['optional-dependencies'][name]], sep='\n')" \
      > requirements.txt \
 && pip install --constraint constraints.txt --requirement requirements.txt \
      --extra-index-url https://download.pytorch.org/whl/cpu
COPY . .
RUN pip install --no-deps --editable .

FROM python:3.11-slim
# The user that the server runs as owns its data and nothing else.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin yewen && install -d -o yewen -g yewen /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 \
    YEWEN_INDEX=/data/index YEWEN_FEEDBACK=/data/feedback.jsonl YEWEN_HOST=0.0.0.0 YEWEN_PORT=8000 YEWEN_LOG_FORMAT=json
USER yewen
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["sh", "-c", "[ -e \"$YEWEN_INDEX/CURRENT\" ] || yewen index; exec yewen serve"]
