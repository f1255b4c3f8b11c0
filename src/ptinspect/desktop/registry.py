"""What is asked of a Windows registry: text values below the current user's root. An empty name is a key's default value."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Protocol


class Registry(Protocol):
    """The part of HKEY_CURRENT_USER that is used."""

    def get(self, key: str, name: str) -> str | None:
        """A value, or None where there is none."""

    def put(self, key: str, name: str, text: str) -> None:
        """Set a value; its key is made."""

    def drop(self, key: str, name: str) -> None:
        """Remove a value."""

    def drop_key(self, key: str) -> None:
        """Remove a key that holds nothing; any other stays."""

    def refresh(self) -> None:
        """Tell the shell that associations changed."""


if sys.platform == "win32":
    import ctypes
    import winreg

    _READ = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
    _WRITE = winreg.KEY_READ | winreg.KEY_WRITE | winreg.KEY_WOW64_64KEY
    _ASSOCIATIONS_CHANGED = 0x0800_0000

    class UserRegistry:
        """The real one."""

        def get(self, key: str, name: str) -> str | None:
            """A text value; one of another kind is not ours and counts as text that differs."""
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, _READ) as opened:
                    return str(winreg.QueryValueEx(opened, name)[0])
            except FileNotFoundError:
                return None

        def put(self, key: str, name: str, text: str) -> None:
            """As REG_SZ: nothing in it is expanded."""
            with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, key, 0, _WRITE) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, text)

        def drop(self, key: str, name: str) -> None:
            """Gone, or never there."""
            with suppress(FileNotFoundError), winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, _WRITE) as opened:
                winreg.DeleteValue(opened, name)

        def drop_key(self, key: str) -> None:
            """Only where it has neither values nor keys."""
            with suppress(FileNotFoundError):
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, _READ) as opened:
                    keys, values, _ = winreg.QueryInfoKey(opened)
                if not keys and not values:
                    winreg.DeleteKeyEx(winreg.HKEY_CURRENT_USER, key, winreg.KEY_WOW64_64KEY, 0)

        def refresh(self) -> None:
            """Explorer shows the new icons at once."""
            ctypes.windll.shell32.SHChangeNotify(_ASSOCIATIONS_CHANGED, 0, None, None)


def user_registry() -> Registry:
    """The registry of whoever runs this."""
    if sys.platform == "win32":
        return UserRegistry()
    raise NotImplementedError("this system has no registry")
