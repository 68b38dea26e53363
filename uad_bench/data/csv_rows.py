"""Rows of a CSV by the module `csv`, without the cell that takes the rest of the file where a quote is not closed."""

import csv
import io
import re
from collections.abc import Iterator


def csv_rows(text: str, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    r"""The rows, each with the line in which it ends and its cells without surrounding blanks.

    Raises csv.Error for a quote that is not closed; the message names the line in which the row begins.

    >>> list(csv_rows('id,site\na, "B" \n'))
    [(1, ['id', 'site']), (2, ['a', 'B'])]
    """
    # People write blanks between a closing quote and the delimiter, which a strict reader refuses.
    text = re.sub(rf'" +(?=[{re.escape(delimiter)}\r\n]|\Z)', '"', text)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    line = 0
    try:
        for cells in reader:
            line = reader.line_num
            yield line, [cell.strip() for cell in cells]
    except csv.Error as error:
        what = f"{error}, in the row that begins in line {line + 1}; is a quote not closed?"
        raise csv.Error(what) from error
