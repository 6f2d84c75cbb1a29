import hashlib
import re

from simulator.rtsp.auth import Credentials, DigestAuth
from simulator.rtsp.message import Request


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def answer(auth, *, user="me", password="s3cret", method="PLAY", uri="rtsp://h/c1"):
    realm, nonce = re.search(r'realm="(.*)", nonce="(.*)"', auth.challenge).groups()
    response = md5(f"{md5(f'{user}:{realm}:{password}')}:{nonce}:{md5(f'{method}:{uri}')}")
    return f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}"'


def admits(auth, header, uri="rtsp://h/c1"):
    return auth.admits(Request("PLAY", uri, {"authorization": header} if header else {}))


def test_only_the_right_answer_is_admitted():
    auth = DigestAuth(Credentials("me", "s3cret"))
    assert admits(auth, answer(auth))
    assert not admits(auth, answer(auth, password="wrong"))
    assert not admits(auth, answer(auth, user="you"))
    assert not admits(auth, answer(auth, method="SETUP"))
    assert not admits(auth, answer(auth), uri="rtsp://h/c2")
    assert not admits(auth, answer(DigestAuth(Credentials("me", "s3cret"))))
    assert not admits(auth, "Basic bWU6czNjcmV0")
    assert not admits(auth, "Digest")
    assert not admits(auth, None)


def test_the_password_is_not_shown():
    assert "s3cret" not in repr(Credentials("me", "s3cret"))
