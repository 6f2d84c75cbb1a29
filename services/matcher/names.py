"""Strings as small integers, as columns hold them. Knows no column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: In the place of a code that was freed; what is freed has a name.
_FREED = ""


class Names:
    """Strings as small integers. A code is given to another string only after it was freed. Not thread-safe."""

    def __init__(self) -> None:
        self._code: dict[str, int] = {}
        self._names: list[str] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        """One more than the highest code."""
        return len(self._names)

    @classmethod
    def load(cls, names: Sequence[str], used: Iterable[int]) -> Names:
        """The names that ``all`` told, but for those whose codes are not in use any more.

        Args:
            names: By code.
            used: Codes in use, each with a name.
        """
        made = cls()
        for code in used:
            made._code[names[code]] = code
        living = set(made._code.values())
        made._names = [name if code in living else _FREED for code, name in enumerate(names)]
        made._free = [code for code in range(len(names)) if code not in living]
        return made

    def code(self, name: str) -> int:
        """The code of a string, one of its own at first sight."""
        code = self._code.get(name)
        if code is None:
            if self._free:
                code = self._free.pop()
                self._names[code] = name
            else:
                code = len(self._names)
                self._names.append(name)
            self._code[name] = code
        return code

    def free(self, code: int) -> None:
        """Forgets the string behind a code that nothing holds any more."""
        del self._code[self._names[code]]
        self._names[code] = _FREED
        self._free.append(code)

    def known(self, names: Iterable[str]) -> list[int]:
        """Codes of those strings that have one."""
        return [self._code[name] for name in names if name in self._code]

    def name(self, code: int) -> str:
        """The string behind a code."""
        return self._names[code]

    def all(self) -> Sequence[str]:
        """Every string, by code; empty where a code was freed. The list itself, to be read before anything changes."""
        return self._names
