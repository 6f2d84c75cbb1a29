"""The console's certificates are renewed under a listener that goes on."""

import asyncio
import contextlib
import shutil
import ssl

from services.access.tls import TlsFiles
from services.web.renewal import follow_certificates


def test_the_next_visitor_gets_the_renewed_certificate(certificates, tmp_path):
    files = TlsFiles(tmp_path / "certificate.pem", tmp_path / "key.pem")

    def install(pair):
        shutil.copy(pair.certificate, files.certificate)
        shutil.copy(pair.key, files.key)

    def trusting(authority):
        return ssl.create_default_context(cafile=str(authority.certificate))

    async def greeted(port, authority):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(authority))
        try:
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def greet(reader, writer):
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    async def run():
        listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        listening.load_cert_chain(files.certificate, files.key)
        server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=listening)
        port = server.sockets[0].getsockname()[1]
        task = asyncio.create_task(follow_certificates(files, lambda: listening, 0.01))
        async with server:
            assert await greeted(port, certificates.authority) == b"hello"
            # Half of a file is followed by the whole one; what was in use goes on meanwhile.
            files.certificate.write_text("-----BEGIN CERTIFICATE-----\nMIIB")
            await asyncio.sleep(0.1)
            assert await greeted(port, certificates.authority) == b"hello"
            install(certificates.other.issue("renewed"))
            for _ in range(500):
                with contextlib.suppress(ssl.SSLError):
                    assert await greeted(port, certificates.other) == b"hello"
                    break
                await asyncio.sleep(0.02)
            else:
                raise AssertionError("the new certificate was not taken")
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    install(certificates.server)
    asyncio.run(run())
