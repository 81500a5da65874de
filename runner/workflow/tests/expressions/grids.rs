//! Every operator with every pair of kinds.

use dormer_workflow::expr::Value;

use crate::ask;
use crate::table::{assert_none, files, lines};

/// A table of what `row OPERATOR column` gives.
struct Grid {
    operator: String,
    columns: Vec<String>,
    /// The left side of each row, and a mark for each column.
    rows: Vec<(String, Vec<String>)>,
}

impl Grid {
    fn read(name: &str) -> Self {
        let mut cells = lines(name).map(|(_, line)| cells(&line));
        let mut head = cells.next().unwrap();
        let operator = head.remove(0);
        let rows = cells
            .map(|mut row| (row.remove(0), row))
            .inspect(|(left, row)| assert_eq!(row.len(), head.len(), "{name}: {left}"))
            .collect();
        Self {
            operator,
            columns: head,
            rows,
        }
    }

    /// Every expression of the table with its mark.
    fn cases(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.rows.iter().flat_map(move |(left, marks)| {
            let cells = self.columns.iter().zip(marks);
            cells.map(move |(right, mark)| (left.as_str(), right.as_str(), mark.as_str()))
        })
    }
}

/// Cells are two spaces or more apart, so that a string may hold one.
fn cells(line: &str) -> Vec<String> {
    let cells = line.split("  ").map(str::trim);
    // A string such as `' 1 '` has spaces at its edges only within its quotes.
    cells
        .filter(|cell| !cell.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The value that a mark stands for.
fn marked(mark: &str, left: &str, right: &str) -> Value {
    match mark {
        "#" => Value::Bool(true),
        "." => Value::Bool(false),
        "<" => ask(left).unwrap().value,
        ">" => ask(right).unwrap().value,
        _ => panic!("unknown mark `{mark}`"),
    }
}

/// Equal, where NaN is itself.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits() || a == b,
        _ => a == b,
    }
}

#[test]
fn every_pair_of_kinds_gives_what_its_grid_says() {
    let mut failures = Vec::new();
    let mut count = 0;
    for name in files("grids") {
        let grid = Grid::read(&name);
        for (left, right, mark) in grid.cases() {
            let expression = format!("{left} {} {right}", grid.operator);
            let found = ask(&expression).unwrap().value;
            if !same(&found, &marked(mark, left, right)) {
                failures.push(format!("{name}: {expression} is not `{mark}`"));
            }
            count += 1;
        }
    }
    assert_none(&failures, count);
    assert_eq!(count, 8 * 18 * 18, "a grid is missing");
}
