"""Manifests of packages of the other languages: JavaScript, R, Julia, the JVM, Go, Rust and Ruby."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from rung.expressions import regex
from rung.readers.documents import MAX_BYTES, Map, Unreadable, Value, parse_json, text_of
from rung.readers.reading import PACKAGES, Reading, called, named
from rung.readers.requirements import MAX_DEPENDENCIES, group_of, guarded, toml_or_template
from rung.records import Dependency, Fact

_NPM_GROUPS = {"dependencies": "main", "devDependencies": "dev", "peerDependencies": "peer", "optionalDependencies": "optional"}
_NPM_EXACT = regex(r"=?v?\d+\.\d+\.\d+[\w.+-]*|.*#[0-9a-f]{40}|npm:.+@\d+\.\d+\.\d+[\w.+-]*")
_R_FIELD = regex(r"(Depends|Imports|Suggests|LinkingTo|Enhances):(.*)")
_R_GROUPS = {"Suggests": "dev", "Enhances": "optional"}
_R_PACKAGE = regex(r"\s*([A-Za-z][\w.]*)\s*(?:\(([^)]*)\))?\s*$")
_XML_COMMENT = ("<!--", "-->")
_XML_TAG = regex(r"<([\w.-]+)>\s*([^<>]*?)\s*</")
_MAVEN_PROPERTY = regex(r"\$\{([\w.-]+)\}")
_GRADLE = regex(
    r"(?:^|[\s({])(\w*(?:[iI]mplementation|[aA]pi|[cC]ompile|[cC]ompileOnly|[rR]untime|[rR]untimeOnly|kapt|ksp|classpath|[aA]nnotationProcessor|provided))\b"
    r"[\s(]{0,20}(?:(?:platform|enforcedPlatform)\s?\(\s?)?(.*)"
)
_GRADLE_SHORT = regex(r"[\"']([\w.-]+):([\w.-]+)(?::([^\"':@]+))?")
_GRADLE_LONG = regex(r"group\s?[:=]\s?[\"']([\w.-]+)[\"'],\s?name\s?[:=]\s?[\"']([\w.-]+)[\"'](?:,\s?version\s?[:=]\s?[\"']([^\"']+))?")
_SBT = regex(r"\"([\w.-]+)\"\s*%{1,3}\s*\"([\w.-]+)\"\s*%\s*(?:\"([^\"]+)\"|[\w.]+)(?:\s*%\s*\"?(\w+))?")
_JVM_EXACT = regex(r"\d(?!.*(?:\+|SNAPSHOT|latest))[\w.-]*")
_GO = regex(r"(?:require\s+)?([\w-]+(?:\.[\w-]+)+(?:/[\w.~-]+)*)\s+(v[\w.+-]+)(\s*// indirect)?")
_GEM = regex(r"\s*gem[\s(]+[\"']([\w.-]+)[\"'](?:\s*,\s*[\"']([^\"']+)[\"'])?(.*)")
_GEM_GROUP = regex(r"group:?\s*(?:=>)?\s*\[?\s*:(\w+)")


def read_package_json(_path: str, data: bytes) -> Iterator[Fact]:
    """The dependency tables of a package.json; packages of the same repository are left out."""
    root = parse_json(data)
    for section, group in _NPM_GROUPS.items():
        table = root.get(section, "") if isinstance(root, Map) else ""
        for name, version in table.items() if isinstance(table, Map) else ():
            if isinstance(version, str) and not version.startswith(("file:", "link:", "workspace:", "portal:", ".", "/")):
                asked = "" if version in ("*", "latest") else version
                pinned = _NPM_EXACT.fullmatch(asked) is not None
                assert isinstance(table, Map)
                yield Dependency(line=table.at(name), ecosystem="npm", name=name, version=asked, group=group, pinned=pinned)


def read_r_description(_path: str, data: bytes) -> Iterator[Fact]:
    """The package fields of an R DESCRIPTION."""
    field = ""
    for number, line in enumerate(_text(data).splitlines(), 1):
        rest = line
        if not line[:1].isspace():
            started = _R_FIELD.match(line)
            field, rest = (started[1], started[2]) if started else ("", "")
        for item in rest.split(",") if field else ():
            if (package := _R_PACKAGE.match(item[:500])) and package[1] != "R":
                version = re.sub(r"\s", "", package[2] or "")
                yield Dependency(
                    line=number,
                    ecosystem="cran",
                    name=package[1],
                    version=version,
                    group=_R_GROUPS.get(field, "main"),
                    pinned=version.startswith("=="),
                )


def read_julia_project(_path: str, data: bytes) -> Iterator[Fact]:
    """The dependencies of a Julia Project.toml with their compatible versions; weak ones and test extras apart."""
    root = toml_or_template(data)
    compat = _table(root, "compat")
    for section, group in (("deps", "main"), ("weakdeps", "optional"), ("extras", "test")):
        table = _table(root, section)
        for name in table:
            version = str(compat.get(name, ""))
            yield Dependency(
                line=table.at(name),
                ecosystem="julia",
                name=name,
                version=version,
                group=group,
                pinned=version.startswith("=") and "," not in version,
            )


def read_pom(_path: str, data: bytes) -> Iterator[Fact]:
    """Dependencies and plug-ins of a Maven pom.xml; scanned, since XML parsers follow entities."""
    text = _without(_text(data), *_XML_COMMENT)
    properties = {found[1]: found[2] for _, block in _blocks(text, "properties") for found in _XML_TAG.finditer(block)}
    for tag, own_group in (("dependency", ""), ("plugin", "build")):
        for line, block in _blocks(text, tag):
            fields: dict[str, str] = {}
            for found in _XML_TAG.finditer(re.split(r"<(?:exclusions|dependencies|configuration|executions)>", block, maxsplit=1)[0]):
                fields.setdefault(found[1], _MAVEN_PROPERTY.sub(lambda m: properties.get(m[1], m[0]), found[2]))
            if artifact := fields.get("artifactId"):
                group_id = fields.get("groupId", "org.apache.maven.plugins" if own_group else "")
                group = own_group or group_of({"test": "test"}.get(fields.get("scope", ""), "main"))
                yield _jvm(line, f"{group_id}:{artifact}", fields.get("version", ""), group)


def read_gradle(_path: str, data: bytes) -> Iterator[Fact]:
    """Dependencies of a Gradle build script, Groovy or Kotlin, in the short and the long form."""
    for number, line in enumerate(_without(_text(data), "/*", "*/").splitlines(), 1):
        wanted = _GRADLE.search(re.split(r"(?:^|\s)//", line[:1000], maxsplit=1)[0])
        if wanted and (found := _GRADLE_SHORT.match(wanted[2]) or _GRADLE_LONG.match(wanted[2])):
            configuration = wanted[1].lower()
            group = (
                "test"
                if "test" in configuration
                else "build"
                if configuration in ("classpath", "kapt", "ksp", "annotationprocessor")
                else "main"
            )
            yield _jvm(number, f"{found[1]}:{found[2]}", found[3] or "", group)


def read_version_catalog(_path: str, data: bytes) -> Iterator[Fact]:
    """The libraries of a Gradle version catalog."""
    root = toml_or_template(data)
    versions, libraries = _table(root, "versions"), _table(root, "libraries")
    for key, library in libraries.items():
        if isinstance(library, Map):
            name = str(library.get("module", "")) or f"{library.get('group', '')}:{library.get('name', '')}"
            version = _catalog_version(library.get("version", ""), versions)
        else:
            group_id, _, rest = str(library).partition(":")
            artifact, _, version = rest.partition(":")
            name = f"{group_id}:{artifact}"
        if len(name) > 2:
            yield _jvm(libraries.at(key), name, version, "main")


def read_sbt(_path: str, data: bytes) -> Iterator[Fact]:
    """`"organisation" %% "name" % "version"` in sbt's Scala."""
    for number, line in enumerate(_without(_text(data), "/*", "*/").splitlines(), 1):
        for found in _SBT.finditer(re.split(r"(?:^|\s)//", line[:2000], maxsplit=1)[0]):
            group = (
                "build" if line.lstrip().startswith("addSbtPlugin") else "test" if (found[4] or "").lower() in ("test", "it") else "main"
            )
            yield _jvm(number, f"{found[1]}:{found[2]}", found[3] or "", group)


def read_go_mod(_path: str, data: bytes) -> Iterator[Fact]:
    """The modules that a go.mod requires, but for those that only other modules ask for (`// indirect`)."""
    block = ""
    for number, line in enumerate(_text(data).splitlines(), 1):
        content = line.strip()
        if opened := re.match(r"(\w+)\s*\($", content):
            block = opened[1]
        elif content == ")":
            block = ""
        elif (block == "require" or content.startswith("require")) and (found := _GO.match(content[:1000])) and not found[3]:
            yield Dependency(line=number, ecosystem="go", name=found[1], version=found[2], pinned=True)


def read_cargo(_path: str, data: bytes) -> Iterator[Fact]:
    """The dependency tables of a Cargo.toml, those of targets and of the workspace too."""
    root = toml_or_template(data)
    holders = [root, _table(root, "workspace"), *(value for value in _table(root, "target").values() if isinstance(value, Map))]
    for holder in holders:
        for section, group in (("dependencies", "main"), ("dev-dependencies", "dev"), ("build-dependencies", "build")):
            table = _table(holder, section)
            for name, wanted in table.items():
                details = wanted if isinstance(wanted, Map) else Map()
                if "path" in details or "workspace" in details:
                    continue
                version = wanted if isinstance(wanted, str) else str(details.get("version", ""))
                pinned = version.startswith("=") or "rev" in details
                yield Dependency(
                    line=table.at(name),
                    ecosystem="cargo",
                    name=str(details.get("package", name)),
                    version=version,
                    group=group,
                    pinned=pinned,
                )


def read_gemfile(_path: str, data: bytes) -> Iterator[Fact]:
    """The gems of a Gemfile, by group block or option."""
    group = "main"
    for number, whole in enumerate(_text(data).splitlines(), 1):
        line = whole[:1000]
        if re.match(r"\s*group\b", line) and re.search(r"\bdo\b", line):
            opened = re.search(r":(\w+)", line)
            group = group_of(opened[1]) if opened else group
        elif re.match(r"\s*end\b", line):
            group = "main"
        elif gem := _GEM.match(line):
            own = _GEM_GROUP.search(gem[3])
            version = gem[2] or ""
            pinned = re.fullmatch(r"=?\s*\d[\w.]*", version) is not None
            yield Dependency(
                line=number, ecosystem="gem", name=gem[1], version=version, group=group_of(own[1]) if own else group, pinned=pinned
            )


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1024 // 1024} MiB, not read")
    return text_of(data)


def _table(root: Value, key: str) -> Map:
    value = root.get(key, "") if isinstance(root, Map) else ""
    return value if isinstance(value, Map) else Map()


def _jvm(line: int, name: str, version: str, group: str) -> Dependency:
    return Dependency(
        line=line,
        ecosystem="maven",
        name=name,
        version=version,
        group=group,
        pinned=_JVM_EXACT.fullmatch(version.removesuffix("!!")) is not None,
    )


def _catalog_version(version: Value, versions: Map) -> str:
    if isinstance(version, Map):
        reference = version.get("ref", "")
        version = (
            versions.get(reference, "") if isinstance(reference, str) and reference else version.get("strictly", version.get("require", ""))
        )
    return version if isinstance(version, str) else ""


def _without(text: str, opening: str, closing: str) -> str:
    """Text whose comments are gone, every line kept in its place; one that never closes reaches to the end."""
    parts: list[str] = []
    position = 0
    while (start := text.find(opening, position)) >= 0:
        end = text.find(closing, start + len(opening))
        end = len(text) if end < 0 else end + len(closing)
        parts += (text[position:start], "\n" * text.count("\n", start, end))
        position = end
    return "".join((*parts, text[position:]))


def _blocks(text: str, tag: str) -> Iterator[tuple[int, str]]:
    """The insides of `<tag>…</tag>` with their lines, up to the first that never closes."""
    opening, closing = f"<{tag}>", f"</{tag}>"
    line, counted, position = 1, 0, 0
    while (start := text.find(opening, position)) >= 0 and (end := text.find(closing, start)) >= 0:
        line += text.count("\n", counted, start)
        counted = start
        yield line, text[start + len(opening) : end]
        position = end + len(closing)


def _bounded(read: Callable[[str, bytes], Iterator[Fact]]) -> Callable[[str, bytes], Iterable[Fact]]:
    whole = guarded(read)
    return lambda path, data: islice(whole(path, data), MAX_DEPENDENCIES)


READINGS: tuple[Reading, ...] = (
    Reading(name="package-json", shows=PACKAGES, claims=called("package.json"), read=_bounded(read_package_json)),
    Reading(name="r-description", shows=PACKAGES, claims=called("DESCRIPTION"), read=_bounded(read_r_description)),
    Reading(name="julia-project", shows=PACKAGES, claims=called("Project.toml", "JuliaProject.toml"), read=_bounded(read_julia_project)),
    Reading(name="pom", shows=PACKAGES, claims=named(r"pom\.xml|[^/]+\.pom", "pom.xml", ".pom"), read=_bounded(read_pom)),
    Reading(name="gradle", shows=PACKAGES, claims=named(r"[^/]+\.gradle(?:\.kts)?", ".gradle", ".kts"), read=_bounded(read_gradle)),
    Reading(
        name="version-catalog", shows=PACKAGES, claims=named(r"[^/]*libs\.versions\.toml", ".toml"), read=_bounded(read_version_catalog)
    ),
    Reading(name="sbt", shows=PACKAGES, claims=named(r"[^/]+\.sbt|project/[^/]+\.scala", ".sbt", ".scala"), read=_bounded(read_sbt)),
    Reading(name="go-mod", shows=PACKAGES, claims=called("go.mod"), read=_bounded(read_go_mod)),
    Reading(name="cargo", shows=PACKAGES, claims=called("Cargo.toml"), read=_bounded(read_cargo)),
    Reading(name="gemfile", shows=PACKAGES, claims=called("Gemfile"), read=_bounded(read_gemfile)),
)
