"""A real nginx before several servers: no session affinity, streams passed on as they come."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from voicelive_agent.listening import find_free_port

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream replicas {{
    # A replica that ends says so itself; nobody is to be left out for having been away.
    {servers}
    keepalive 64;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffering off;
      proxy_read_timeout 180s;
      proxy_connect_timeout 2s;
      # A turn that was refused, or whose connection was closed before the answer began.
      proxy_next_upstream error http_503 non_idempotent;
    }}
  }}
}}
"""


@contextlib.asynccontextmanager
async def start_nginx(directory: Path, ports: Sequence[int]) -> AsyncIterator[str]:
    """The URL of an nginx that spreads requests over the servers on ``ports``, in turn."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    command = shutil.which("nginx", path=path)
    assert command, "install nginx-light, or deselect with -m 'not component'"
    port = find_free_port()
    configuration = directory / "nginx.conf"
    servers = " ".join(f"server 127.0.0.1:{server} max_fails=0;" for server in ports)
    configuration.write_text(_CONFIGURATION.format(directory=directory, servers=servers, port=port))
    process = await asyncio.create_subprocess_exec(
        command, "-p", str(directory), "-e", str(directory / "nginx.log"), "-c", str(configuration)
    )
    try:
        async with asyncio.timeout(20):
            while True:
                assert process.returncode is None, (directory / "nginx.log").read_text()
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
