"""Key and secret of an account, read from the environment and shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping

from hookline.errors import ConfigError

__all__ = ["Credentials", "read_credentials"]


class Credentials:
    """A key and its secret; the venue calls the secret a passphrase. Neither is in the ``repr``, and it cannot be pickled."""

    __slots__ = ("_key", "_secret")

    def __init__(self, key: str, secret: str) -> None:
        self._key = key
        self._secret = secret

    @property
    def key(self) -> str:
        """The API key, as it goes into a header."""
        return self._key

    @property
    def secret(self) -> str:
        """What requests are signed with; it never leaves the process."""
        return self._secret

    def __repr__(self) -> str:
        return "Credentials(key='***', secret='***')"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not written anywhere: read them again from the environment")

    def redacted(self, text: str) -> str:
        """Return a text without the key and the secret in it."""
        for secret in (self._secret, self._key):
            text = text.replace(secret, "***")
        return text


def read_credentials(
    key_env: str = "LMEX_API_KEY",
    secret_env: str = "LMEX_API_SECRET",  # noqa: S107 - the name of a variable
    *,
    environ: Mapping[str, str],
) -> Credentials | None:
    """Return what two environment variables hold, None if neither is set.

    Args:
        key_env: Name of the variable with the key.
        secret_env: Name of the variable with the secret.
        environ: The environment.

    Raises:
        ConfigError: if only one of them is set, or one has characters that no key has; the message names the variable only.
    """
    key, secret = environ.get(key_env, "").strip(), environ.get(secret_env, "").strip()
    if not key and not secret:
        return None
    for name, value, other in ((key_env, key, secret_env), (secret_env, secret, key_env)):
        if not value:
            raise ConfigError(f"environment: {name} must be set as {other} is, was empty")
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise ConfigError(
                f"environment: {name} must be plain printable characters without spaces, was something else"
            )
    return Credentials(key, secret)
