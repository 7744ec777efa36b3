"""One line out of jsonargparse's nested report: place, rule, given value."""

from __future__ import annotations

import re


def explain(message: str) -> str:
    """The innermost complaint of a report, with the path of the value that it is about."""
    lines = [line.strip(" -") for line in message.splitlines() if line.strip()]
    keys = [match[1] for line in lines if (match := re.match(r'Parser key "([^"]+)":?$', line))]
    keys += [m[1] for line in lines if (m := re.match(r"Group '([^']+)' does not accept", line))]
    place = ".init_args.".join(dict.fromkeys(keys))
    problem = next((line for line in lines if line.startswith("Problem with given")), "")
    group = f"{place}.init_args" if problem else place
    for line in lines[lines.index(problem) + 1 :] if problem else lines:
        if (sentence := _sentence(line, place, group)) is not None:
            return sentence
    # a report closes from the inside: the first value given belongs to the last types wanted
    given = next((line[13:].strip() for line in lines if line.startswith("Given value: ")), None)
    wanted = [line[10:].strip() for line in lines if line.startswith("Subtypes: ")]
    if given is not None and wanted:
        return f"{place}: must be {_type_name(wanted[-1])}, got {given[:60]}. Correct the value."
    text = " ".join(line for line in lines if not line.startswith("Parser key"))
    return f"{place}: {text[:200]}" if place else text[:200]


def _sentence(line: str, place: str, group: str) -> str | None:
    if found := re.search(r"[Oo]ption '([^']+)'", line):
        return f"{_joined(group, found[1])}: no such argument. Remove it or correct its name."
    if found := re.match(r"the following arguments are required: ([^,\s]+)", line):
        return f"{_joined(group, found[1])}: is required. Give it a value, or search it."
    if found := re.match(r'Key "([^"]+)" is required', line):
        return f"{_joined(place, found[1])}: is required. Give it a value, or search it."
    if found := re.match(r"Import path (\S+) does not correspond to a subclass of (\w+)", line):
        return f"{place}: must be a subclass of {found[2]}, got {found[1]}. Correct the class_path."
    if found := re.match(r"Expected an? (.+?)\. Got value: (.*)", line):
        return f"{place}: must be {_type_name(found[1])}, got {found[2]}. Correct the value."
    if line.startswith(("No module named", "cannot import", "Not a valid subclass")):
        return f"{place}.class_path: {line.rstrip('.')}. Correct the path or install the package."
    return None


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key.removeprefix("fit.")


def _type_name(text: str) -> str:
    names = re.sub(r"<class '([\w.]+)'>", r"\1", text).strip("[]")
    names = names.replace("NoneType", "null").replace("typing.", "")
    return " or ".join(part.strip() for part in names.split(", "))
