//! What actions do when all steps are over: a stack, since the last to begin is the first to clean up.
//!
//! An action is put on it when its first stage begins, whatever becomes of that. An action that runs
//! inside of a composite one is put under it, and runs with it.

use serde::{Deserialize, Serialize};

use crate::steps::action::site::Site;

/// An action with something left to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The index of its step among the steps around it.
    pub index: usize,
    /// The action.
    pub site: Site,
    /// For a composite action: those of its steps with something left to do, in the order of their
    /// beginning.
    pub inner: Vec<Post>,
}

/// A step on the way inwards, and the action that it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The index of the step among the steps around it.
    pub index: usize,
    /// The action.
    pub site: Site,
}

/// Puts the last action of a chain on the stack, and those around it unless they are there.
pub fn push(stack: &mut Vec<Post>, chain: &[Link]) {
    let Some((link, rest)) = chain.split_first() else {
        return;
    };
    let known = stack.iter().position(|post| post.index == link.index);
    let at = known.unwrap_or(stack.len());
    if known.is_none() {
        stack.push(Post {
            index: link.index,
            site: link.site.clone(),
            inner: Vec::new(),
        });
    }
    push(&mut stack[at].inner, rest);
}

/// Whether the last action of a chain, or one inside of it, is on the stack.
pub fn is_on(stack: &[Post], chain: &[Link]) -> bool {
    let Some((link, rest)) = chain.split_first() else {
        return true;
    };
    let found = stack.iter().find(|post| post.index == link.index);
    found.is_some_and(|post| is_on(&post.inner, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(indices: &[usize]) -> Vec<Link> {
        let link = |&index: &usize| Link {
            index,
            site: Site {
                uses: index.to_string(),
                from: None,
                root: String::new(),
                directory: String::new(),
                file: String::new(),
                text: String::new(),
            },
        };
        indices.iter().map(link).collect()
    }

    fn shown(stack: &[Post]) -> String {
        let one = |post: &Post| match shown(&post.inner) {
            inner if inner.is_empty() => post.index.to_string(),
            inner => format!("{}({inner})", post.index),
        };
        stack.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_action_is_put_under_those_around_it_and_once_only() {
        let mut stack = Vec::new();
        for indices in [&[4][..], &[0, 2], &[0, 1, 7], &[4], &[0, 2], &[3]] {
            push(&mut stack, &chain(indices));
        }
        assert_eq!(shown(&stack), "4 0(2 1(7)) 3");
        assert!(is_on(&stack, &chain(&[0, 1])) && !is_on(&stack, &chain(&[0, 7])));
    }
}
