"""Reading a wallet's coldkey and signing with it: the one module that loads bittensor.

bittensor takes a second to load and is absent from the server's environment, so it is loaded when
it is first needed.
"""

import getpass
import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

DEFAULT_WALLETS = Path("~/.bittensor/wallets")
SR25519 = 1
TRIES = 3


class WalletError(Exception):
    """The coldkey cannot be read or used. The message is one line, without the password."""


class WrongPassword(WalletError):
    """The password does not open the keyfile, or the file is damaged."""


class Coldkey(Protocol):
    """A key pair as bittensor gives it, private key included."""

    ss58_address: str
    crypto_type: int

    def sign(self, message: bytes) -> bytes: ...


def read_coldkey(name: str, folder: Path, password: str | None) -> Coldkey:
    """The coldkey of wallet `name` below `folder`.

    Asks for the password on the terminal, three times at most, if the keyfile is encrypted and
    `password` is `None`.
    Raises `WalletError` for a missing wallet, a wrong password, a damaged keyfile, a keyfile
    without a private key, a key that is not sr25519, or if bittensor is not installed.
    """
    keyfile = find_keyfile(name, folder)
    wallet = _load("bittensor.wallet").Wallet(name=name, path=str(folder.expanduser()))
    with _translated(keyfile):
        encrypted = wallet.coldkey_file.is_encrypted()
    for left in reversed(range(TRIES)):
        given = _password(name, password) if encrypted else None
        try:
            coldkey = _opened(wallet, keyfile, given)
            break
        except WrongPassword as error:
            if password is not None or not left:
                raise
            print(error, file=sys.stderr)
    if coldkey.crypto_type != SR25519:
        raise WalletError(f"{keyfile} holds an ed25519 key; the network verifies sr25519 alone")
    return coldkey


def _opened(wallet: Any, keyfile: Path, password: str | None) -> Coldkey:  # noqa: ANN401
    with _translated(keyfile):
        coldkey: Coldkey = wallet.get_coldkey(password)
        # A keyfile with the public half alone opens, and fails only here.
        coldkey.sign(b"")
    return coldkey


def find_keyfile(name: str, folder: Path) -> Path:
    """The path of the wallet's coldkey; `WalletError` if there is none."""
    if not name or name != Path(name).name or name == "..":
        raise WalletError("--name must be the plain name of a wallet's folder")
    keyfile = folder.expanduser() / name / "coldkey"
    if keyfile.is_file():
        return keyfile
    if keyfile.with_name("coldkeypub.txt").is_file():
        raise WalletError(f"{keyfile.parent} holds only the public key; sign where the coldkey is")
    raise WalletError(f"there is no coldkey at {keyfile}; see --name and --wallet-path")


def signed_by(address: str, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the sr25519 signature of exactly `message` by `address` (SS58)."""
    verify = _load("bittensor_core").verify
    wrapped = b"<Bytes>" + message + b"</Bytes>"
    try:
        # verify() also takes the signature of the wrapped message, as browser wallets make it.
        return verify(message, signature, address) and not verify(wrapped, signature, address)
    except ValueError:
        return False


def prompt_secret(label: str) -> str:
    """Ask for a secret on the terminal, unseen. `WalletError` if none is given or can be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            secret = getpass.getpass(f"{label}: ")
    except getpass.GetPassWarning:
        raise WalletError(f"there is no terminal to ask on: {label}") from None
    except EOFError:
        secret = ""
    if not secret:
        raise WalletError(f"nothing was entered: {label}")
    return secret


def _password(name: str, password: str | None) -> str:
    if password is None:
        return prompt_secret(f"Password of the coldkey of wallet {name}")
    if not password:
        # bittensor would take an empty password as none, and ask in a loop of its own.
        raise WalletError("the password is empty")
    return password


@contextmanager
def _translated(keyfile: Path) -> Iterator[None]:
    core = _load("bittensor_core")
    try:
        yield
    except core.WrongPasswordError:
        raise WrongPassword(f"wrong password for {keyfile}, or the file is damaged") from None
    except core.KeyfileError as error:
        raise WalletError(f"{keyfile} is damaged: {error}") from None
    except OSError as error:
        raise WalletError(f"cannot read {keyfile}: {error.strerror or error}") from None
    except UnicodeEncodeError:
        raise WalletError("the password is no valid text in UTF-8") from None
    except ValueError:
        raise WalletError(f"{keyfile} holds no private key") from None


def _load(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise WalletError(
            f"{sys.executable} cannot load {missing}: make an environment for signing alone, with "
            "python3 -m venv wallet-env && wallet-env/bin/pip install -r requirements-wallet.txt, "
            "and use wallet-env/bin/python"
        ) from None
