# The agent server as a container for Microsoft Foundry (linux/amd64) or any other host.
# Build: docker build --platform=linux/amd64 -t voicelive-agent .
# With the packages of VOICELIVE_AGENT=model: --build-arg REQUIREMENTS=model

FROM python:3.13-slim-trixie@sha256:70729b46c69b4f1e97c4822c1af3df53a1476cf5ddc6c087c0c10bc3a5678c2f AS packages
# Which of requirements/*.txt: agent, model, or one of your own, which .dockerignore lets in too.
ARG REQUIREMENTS=agent
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/${REQUIREMENTS:-agent}.txt /tmp/requirements.txt
# Only wheels: nothing is compiled, so no build tools are needed, and none are left behind.
RUN python -m venv /opt/agent \
 && /opt/agent/bin/pip install --no-deps --require-hashes --only-binary :all: -r /tmp/requirements.txt \
 && /opt/agent/bin/pip uninstall --yes pip \
 && /opt/agent/bin/python -m compileall -q /opt/agent/lib

FROM python:3.13-slim-trixie@sha256:70729b46c69b4f1e97c4822c1af3df53a1476cf5ddc6c087c0c10bc3a5678c2f
RUN useradd --create-home --home-dir /home/session --uid 10001 agent
COPY --from=packages /opt/agent /opt/agent
WORKDIR /srv/agent
# What is in here is decided by .dockerignore: the server, and your agent beside it.
COPY . .
RUN /opt/agent/bin/python -m compileall -q .
ENV PATH=/opt/agent/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/home/session \
    VOICELIVE_HOST=0.0.0.0 \
    PORT=8088
# By number, so that Kubernetes can tell that it is not root.
USER 10001
EXPOSE 8088
# Exec form: the server itself gets SIGTERM, ends its turns and exits with 0.
CMD ["python", "-m", "voicelive_agent", "serve"]
