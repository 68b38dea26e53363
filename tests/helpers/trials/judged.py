"""What no verb may do, whatever its input is."""

CODES = {0, 2, 3, 4, 5, 6, 7}
MOST_MB = 500


def unsound(told):
    """None, or what is wrong: a traceback, a foreign exit code, silence, or too much memory."""
    if told.code not in CODES or "Traceback" in told.out + told.err:
        return f"exit {told.code}: {told.err[-600:]}"
    if told.code and not told.err.strip():
        return f"exit {told.code} without a message"
    if told.megabytes > MOST_MB:
        return f"{told.megabytes:.0f} MB, {told.seconds:.1f} s: {told.err[-300:]}"
    return None


def without_figures():
    """Draw no figures in this process: they do not depend on the input that is damaged."""
    from tests.helpers.run_figures import PLACES

    for module, name in PLACES:
        setattr(module, name, lambda *_words: None)


def messages(told):
    """The lines that a verb wrote to stderr, without their times."""
    return {line.partition("Z ")[2] or line for line in told.err.splitlines()}
