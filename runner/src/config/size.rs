//! Sizes as people write them.

/// Parses `2G`, `512M`, `4GiB`, `1.5g`: powers of 1024, as QEMU and Docker read them; `GB` and the like
/// are powers of 1000; a bare number is bytes.
pub fn parse(text: &str) -> Result<u64, String> {
    let complaint = || format!("`{text}` is no size: write 512M, 2G or 4GiB");
    let trimmed = text.trim();
    let split = trimmed
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(trimmed.len());
    let number: f64 = trimmed[..split].parse().map_err(|_| complaint())?;
    let factor: u64 = match trimmed[split..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "ki" | "kib" => 1 << 10,
        "m" | "mi" | "mib" => 1 << 20,
        "g" | "gi" | "gib" => 1 << 30,
        "t" | "ti" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(complaint()),
    };
    let bytes = number * factor as f64;
    if bytes.is_finite() && bytes < u64::MAX as f64 {
        Ok(bytes as u64)
    } else {
        Err(complaint())
    }
}

/// Parses a machine's memory: a whole number of mebibytes, and enough to boot.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 256 << 20;
    let bytes = parse(text)? >> 20 << 20;
    if bytes < LEAST {
        return Err(format!(
            "`{text}` is too little memory for a machine: at least 256M"
        ));
    }
    Ok(bytes)
}

/// Parses the most that a machine's disk may grow to: enough for a guest to boot.
pub fn parse_disk(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 64 << 20;
    match parse(text)? {
        bytes if bytes < LEAST => Err(format!(
            "`{text}` is too little for a machine's disk: at least 64M"
        )),
        bytes => Ok(bytes),
    }
}

/// Parses how much may pass in a second.
pub fn parse_rate(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 16 << 10;
    /// QEMU takes no more.
    const MOST: u64 = 1_000_000_000_000_000;
    match parse(text)? {
        bytes if bytes < LEAST => Err(format!("`{text}` is too little for a second: at least 16K")),
        bytes if bytes > MOST => Err(format!("`{text}` is too much for a second: at most 900T")),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_qemu_and_docker_read_them() {
        assert_eq!(parse("2G"), Ok(2 << 30));
        assert_eq!(parse("1.5g"), Ok(3 << 29));
        assert_eq!(parse("512 MiB"), Ok(512 << 20));
        assert_eq!(parse("1GB"), Ok(1_000_000_000));
        assert_eq!(parse("4096"), Ok(4096));
        for wrong in ["", "G", "2X", "-1G", "1e30G", "1..2G"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse_disk("10M").is_err() && parse_rate("1K").is_err());
        assert!(parse_rate("900T").is_ok() && parse_rate("910T").is_err());
        assert_eq!(
            (parse_disk("1G"), parse_rate("1M")),
            (Ok(1 << 30), Ok(1 << 20))
        );
        assert!(parse_memory("10M").is_err());
        assert_eq!(parse_memory("300000000"), Ok(286 << 20));
    }
}
