//! Whether one more machine fits: the one rule for it, pure. Every machine counts with all that it may grow
//! to, even if it shares most of that now: a clone that writes to all of its memory must still find it.

use std::fmt;

use crate::instance::allowance::{Claim, Overcommit};

/// The least memory that is left to the host.
const LEAST_RESERVE: u64 = 1 << 30;
/// The room on the home's disk that no machine may take: an eighth of what is free, but no more than this.
const DISK_RESERVE: u64 = 1 << 30;
/// A disk that nobody set a limit for may grow to this at least.
const LEAST_DISK: u64 = 2 << 30;
/// A disk that nobody set a limit for gets one part in so many of what is left, so that others find some.
const DISK_PARTS: u64 = 4;

/// What one more machine takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Memory in bytes, QEMU's own included.
    pub memory: u64,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Disk.
    pub disk: DiskNeed,
    /// Whether it wants processors of its own.
    pub pin: bool,
}

/// What a machine's files may grow to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskNeed {
    /// The limit that somebody set. None: a quarter of what is left, 2 GiB at least, and never more than
    /// `whole`.
    pub limit: Option<u64>,
    /// What the guest can write at all: its disk's size.
    pub whole: u64,
    /// What the machine writes besides its disk: memory that is a file.
    pub beside: u64,
}

impl DiskNeed {
    /// The least that it is content with.
    fn least(self) -> u64 {
        self.limit.unwrap_or(LEAST_DISK.min(self.whole)) + self.beside
    }

    /// What it gets where so much is left.
    fn of(self, left: u64) -> u64 {
        let share = (left.saturating_sub(self.beside) / DISK_PARTS).min(self.whole);
        self.limit.unwrap_or(share).saturating_add(self.beside)
    }
}

/// A machine that is there already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenant {
    /// What it may come to take.
    pub claim: Claim,
    /// What its files take by now.
    pub disk_used: u64,
}

/// The host, and who is on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct House {
    /// Memory for machines, in bytes; [`u64::MAX`] if nobody knows.
    pub memory: u64,
    /// Virtual CPUs for machines.
    pub cpus: u64,
    /// Disk that is free for machines by now, in bytes; [`u64::MAX`] if nobody knows.
    pub disk: u64,
    /// The host's processors.
    pub processors: Vec<u32>,
    /// The machines that there are.
    pub tenants: Vec<Tenant>,
}

impl House {
    /// A host with so much memory in all (0 is unknown), these processors and so much free disk.
    pub fn new(
        memory: u64,
        processors: Vec<u32>,
        free_disk: Option<u64>,
        overcommit: Overcommit,
        tenants: Vec<Tenant>,
    ) -> Self {
        let reserve = (memory / 8).max(LEAST_RESERVE);
        let spare = memory.saturating_sub(reserve) as f64 * overcommit.memory;
        let cpus = processors.len().max(1) as f64 * overcommit.cpus;
        Self {
            memory: if memory == 0 { u64::MAX } else { spare as u64 },
            cpus: cpus as u64,
            disk: free_disk.map_or(u64::MAX, |free| {
                let promised = free as f64 * overcommit.disk;
                (promised as u64).saturating_sub((free / 8).min(DISK_RESERVE))
            }),
            processors,
            tenants,
        }
    }

    /// Whether a machine may start now.
    pub fn judge(&self, need: &Need) -> Verdict {
        // What can't be had though nobody else is here will never be had.
        if let Some(short) = self.emptied().short_of(need) {
            return Verdict::Never(short);
        }
        match self.short_of(need) {
            Some(short) => Verdict::Waits(short),
            None => Verdict::Admitted(Claim {
                memory: need.memory,
                cpus: need.cpus,
                disk: need.disk.of(self.disk_left()).max(need.disk.least()),
                pinned: self.pins(need),
            }),
        }
    }

    /// The same host when all machines are gone.
    fn emptied(&self) -> Self {
        let used: u64 = self.tenants.iter().map(|one| one.disk_used).sum();
        Self {
            disk: self.disk.saturating_add(used),
            tenants: Vec::new(),
            ..self.clone()
        }
    }

    fn short_of(&self, need: &Need) -> Option<Shortage> {
        let claims = || self.tenants.iter().map(|one| &one.claim);
        let memory: u64 = claims().map(|claim| claim.memory).sum();
        let cpus: u64 = claims().map(|claim| u64::from(claim.cpus)).sum();
        let promised: u64 = self.tenants.iter().map(growth).sum();
        let short = |what, needed: u64, taken: u64, of: u64| {
            let left = of.saturating_sub(taken);
            (needed > left).then_some(Shortage {
                what,
                needed,
                left,
                of,
                machines: self.tenants.len(),
            })
        };
        short(Resource::Memory, need.memory, memory, self.memory)
            .or_else(|| short(Resource::Cpus, need.cpus.into(), cpus, self.cpus))
            .or_else(|| short(Resource::Disk, need.disk.least(), promised, self.disk))
    }

    /// What is free on the disk and promised to nobody.
    fn disk_left(&self) -> u64 {
        let promised = self.tenants.iter().map(growth).sum();
        self.disk.saturating_sub(promised)
    }

    /// The processors for a machine that wants its own: those that the fewest others are pinned to, so that
    /// none is shared while there are others.
    fn pins(&self, need: &Need) -> Vec<u32> {
        if !need.pin {
            return Vec::new();
        }
        let holders = |processor: &u32| {
            let pinned = |one: &&Tenant| one.claim.pinned.contains(processor);
            self.tenants.iter().filter(pinned).count()
        };
        let mut free = self.processors.clone();
        free.sort_by_key(|processor| (holders(processor), *processor));
        free.truncate(usize::try_from(need.cpus).unwrap_or(usize::MAX));
        free.sort_unstable();
        free
    }
}

/// What a machine's files may still grow by.
fn growth(tenant: &Tenant) -> u64 {
    tenant.claim.disk.saturating_sub(tenant.disk_used)
}

/// What becomes of who wants a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may start, and take this.
    Admitted(Claim),
    /// It has to wait until others end.
    Waits(Shortage),
    /// It would not fit though it were alone.
    Never(Shortage),
}

/// What machines are admitted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Memory.
    Memory,
    /// Virtual CPUs.
    Cpus,
    /// Room on the home's disk.
    Disk,
}

impl Resource {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpus => "CPUs",
            Self::Disk => "disk",
        }
    }

    /// What to do where there is not enough of it at all.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Memory => {
                "give the machine less (`--memory`, or `machine.memory` in dormer.toml), or promise \
                 more than there is: `overcommit.memory`"
            }
            Self::Cpus => {
                "give the machine fewer (`--cpus`, or `machine.cpus` in dormer.toml), or promise more \
                 than there are: `overcommit.cpus`"
            }
            Self::Disk => {
                "make room, set DORMER_HOME to a larger disk, or lower the limit: `--disk-limit`, or \
                 `machine.disk_limit` in dormer.toml"
            }
        }
    }

    fn amount(self, amount: u64) -> String {
        match self {
            Self::Cpus => amount.to_string(),
            Self::Memory | Self::Disk => bytesize::ByteSize(amount).display().iec().to_string(),
        }
    }
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// Of what.
    pub what: Resource,
    /// How much is needed.
    pub needed: u64,
    /// How much is left.
    pub left: u64,
    /// How much there is for machines in all; of the disk, what is free by now.
    pub of: u64,
    /// How many machines there are.
    pub machines: usize,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |amount| self.what.amount(amount);
        write!(
            f,
            "{}: {} needed, {} left of {}",
            self.what.as_str(),
            amount(self.needed),
            amount(self.left),
            amount(self.of),
        )?;
        match self.machines {
            0 => Ok(()),
            1 => write!(f, "; there is 1 machine"),
            machines => write!(f, "; there are {machines} machines"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn house(tenants: Vec<Tenant>) -> House {
        let processors = vec![0, 1, 2, 3];
        House::new(
            16 * GIB,
            processors,
            Some(101 * GIB),
            Overcommit::default(),
            tenants,
        )
    }

    fn need(memory: u64, cpus: u32, limit: Option<u64>) -> Need {
        Need {
            memory,
            cpus,
            disk: DiskNeed {
                limit,
                whole: 20 * GIB,
                beside: 0,
            },
            pin: false,
        }
    }

    fn tenant(memory: u64, cpus: u32, disk: u64) -> Tenant {
        let pinned = Vec::new();
        Tenant {
            claim: Claim {
                memory,
                cpus,
                disk,
                pinned,
            },
            disk_used: 0,
        }
    }

    fn admitted(house: &House, need: &Need) -> Claim {
        match house.judge(need) {
            Verdict::Admitted(claim) => claim,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reserve_of_memory_is_the_hosts_and_the_rest_can_be_promised() {
        assert_eq!(house(Vec::new()).memory, 14 * GIB);
        assert!(matches!(
            house(Vec::new()).judge(&need(15 * GIB, 1, None)),
            Verdict::Never(Shortage {
                what: Resource::Memory,
                ..
            })
        ));
        let twice = Overcommit {
            memory: 2.0,
            ..Overcommit::default()
        };
        let generous = House::new(16 * GIB, vec![0], None, twice, Vec::new());
        assert_eq!(admitted(&generous, &need(28 * GIB, 1, None)).disk, 20 * GIB);
        // An engine that does not say what it has is not second-guessed.
        let unknown = House::new(0, vec![0], None, twice, Vec::new());
        admitted(&unknown, &need(900 * GIB, 1, None));
    }

    #[test]
    fn who_does_not_fit_beside_the_others_waits_and_hears_for_what() {
        let three = vec![tenant(4 * GIB, 2, 0); 3];
        let Verdict::Waits(short) = house(three).judge(&need(3 * GIB, 2, None)) else {
            panic!("2 GiB are left");
        };
        assert_eq!(
            short.to_string(),
            "memory: 3.0 GiB needed, 2.0 GiB left of 14.0 GiB; there are 3 machines"
        );
        let Verdict::Waits(short) = house(vec![tenant(GIB, 15, 0)]).judge(&need(GIB, 2, None))
        else {
            panic!("one CPU is left of four times four");
        };
        assert_eq!(
            short.to_string(),
            "CPUs: 2 needed, 1 left of 16; there is 1 machine"
        );
    }

    #[test]
    fn a_disk_without_a_limit_gets_a_part_of_what_nobody_was_promised() {
        // 100 are free for machines; the guest's disk has 20.
        assert_eq!(
            admitted(&house(Vec::new()), &need(GIB, 1, None)).disk,
            20 * GIB
        );
        let mut grown = tenant(GIB, 1, 60 * GIB);
        assert_eq!(
            admitted(&house(vec![grown.clone()]), &need(GIB, 1, None)).disk,
            10 * GIB
        );
        // What it has written already is no longer free, and is not counted twice.
        grown.disk_used = 40 * GIB;
        assert_eq!(
            admitted(&house(vec![grown]), &need(GIB, 1, None)).disk,
            20 * GIB
        );
        let most = tenant(GIB, 1, 97 * GIB);
        assert_eq!(
            admitted(&house(vec![most.clone()]), &need(GIB, 1, None)).disk,
            2 * GIB
        );
        let full = house(vec![most, tenant(GIB, 1, 2 * GIB)]);
        assert!(matches!(
            full.judge(&need(GIB, 1, None)),
            Verdict::Waits(Shortage {
                what: Resource::Disk,
                ..
            })
        ));
    }

    #[test]
    fn a_limit_that_was_set_is_kept_and_waited_for() {
        let limit = Some(50 * GIB);
        assert_eq!(
            admitted(&house(Vec::new()), &need(GIB, 1, limit)).disk,
            50 * GIB
        );
        let half = house(vec![tenant(GIB, 1, 60 * GIB)]);
        assert!(matches!(
            half.judge(&need(GIB, 1, limit)),
            Verdict::Waits(_)
        ));
        let over = half.judge(&need(GIB, 1, Some(101 * GIB)));
        assert!(matches!(over, Verdict::Never(_)));
        let mut frozen = need(GIB, 1, Some(GIB));
        frozen.disk.beside = 2 * GIB;
        assert_eq!(admitted(&half, &frozen).disk, 3 * GIB);
    }

    #[test]
    fn pinned_machines_share_no_processor_while_there_are_others() {
        let mut wanted = need(GIB, 2, Some(GIB));
        assert!(admitted(&house(Vec::new()), &wanted).pinned.is_empty());
        wanted.pin = true;
        let mut tenants = Vec::new();
        for expected in [[0, 1], [2, 3], [0, 1]] {
            let claim = admitted(&house(tenants.clone()), &wanted);
            assert_eq!(claim.pinned, expected);
            tenants.push(Tenant {
                claim,
                disk_used: 0,
            });
        }
        wanted.cpus = 8;
        assert_eq!(admitted(&house(Vec::new()), &wanted).pinned, [0, 1, 2, 3]);
    }

    proptest! {
        /// Whoever comes, in whatever order: no more is promised than there is.
        #[test]
        fn never_is_more_promised_than_there_is(
            wishes in prop::collection::vec((1_u64..8, 1_u32..6, prop::option::of(1_u64..40)), 1..30),
        ) {
            let mut tenants = Vec::new();
            for (memory, cpus, limit) in wishes {
                let wish = need(memory * GIB, cpus, limit.map(|limit| limit * GIB));
                if let Verdict::Admitted(claim) = house(tenants.clone()).judge(&wish) {
                    tenants.push(Tenant { claim, disk_used: 0 });
                }
            }
            let sum = |of: fn(&Claim) -> u64| tenants.iter().map(|one| of(&one.claim)).sum::<u64>();
            prop_assert!(sum(|claim| claim.memory) <= 14 * GIB);
            prop_assert!(sum(|claim| claim.cpus.into()) <= 16);
            prop_assert!(sum(|claim| claim.disk) <= 100 * GIB);
        }
    }
}
