"""The example's hook: its lines in pawl.yaml, and the migration in its program."""

MIGRATION = "std::optional<Json> Storage::migrate(const std::string& idempotency_key) {\n"


def switch_on(config, idempotent=True, compatible=True):
    """pawl.yaml with the lines of the hook, which are comments there, with or without what they
    promise."""
    lines, is_hook = [], False
    for line in config.splitlines():
        is_hook = line == "# hooks:" or (is_hook and line.startswith("# "))
        text = line[2:] if is_hook else line
        is_dropped = is_hook and (
            (not idempotent and text.lstrip().startswith("idempotent:")) or
            (not compatible and text.lstrip().startswith("compatible_with:")))
        if not is_dropped:
            lines.append(text)
    text = "\n".join(lines) + "\n"
    assert "\nhooks:\n  - name: migrate\n" in text, "the example's pawl.yaml has no such hook"
    return text


def begin_migration_with(example, folder, first_lines):
    """Writes the program's source in `folder`; "": as `example` has it."""
    own = (example / "src/storage.cc").read_text()
    assert MIGRATION in own, "the example's program has no such function"
    (folder / "src/storage.cc").write_text(own.replace(MIGRATION, MIGRATION + first_lines))
