internal import Parallel

/// The largest flow from a source to a sink through a graph, and with it the smallest cut between the two.
///
/// Y. Boykov and V. Kolmogorov, "An experimental comparison of min-cut/max-flow algorithms for energy minimization in
/// vision", PAMI 26(9), 2004: two search trees grow from the source and the sink until they touch (growth), the path
/// between is filled (augmentation), and the branches it cut off look for new parents (adoption). With the time stamps
/// and distances of Kolmogorov's thesis (2004, section 3.3.2), which keep branches short. Written from the papers.
///
/// Capacities are whole numbers: the cut is then exactly the smallest.
struct MaxFlow {
    /// A node's parent is the arc that leads to it, or one of these.
    private static let none: Int32 = -1
    private static let terminal: Int32 = -2
    private static let orphan: Int32 = -3

    private enum Tree {
        static let free: UInt8 = 0
        static let source: UInt8 = 1
        static let sink: UInt8 = 2
    }

    // Each node's and each arc's facts stand together: the search jumps through memory, and takes them as one.
    private struct Node {
        /// First arc that leaves the node.
        var firstArc = MaxFlow.none
        var parent = MaxFlow.none
        /// What the source can still send to the node, or, negative, the node to the sink.
        var terminalResidual: Int32 = 0
        var stamp: Int32 = 0
        var distance: Int32 = 0
        var tree = Tree.free
        var isQueued = false
    }

    /// An arc's reverse is its number with the lowest bit changed.
    private struct Arc {
        var head: Int32
        var next: Int32
        var residual: Int32
    }

    private var nodes: [Node]
    private var arcs: [Arc] = []

    private var active: [Int32] = []
    private var activeStart = 0
    private var orphans: [Int32] = []
    private var time: Int32 = 0
    /// The flow so far.
    private(set) var flow = 0

    /// A graph of `nodeCount` nodes without arcs; `arcCount` (both directions of an edge together) only reserves memory.
    init(nodeCount: Int, arcCount: Int = 0) {
        nodes = [Node](repeating: Node(), count: nodeCount)
        arcs.reserveCapacity(arcCount)
    }

    /// An arc from the source to `node` and one from `node` to the sink. May be called again for the same node; traps on
    /// negative capacities.
    mutating func addTerminals(_ node: Int, source: Int32, sink: Int32) {
        precondition(source >= 0 && sink >= 0, "a capacity is 0 or more")
        // What passes from one terminal to the other at once needs no search.
        let known = nodes[node].terminalResidual
        let (fromSource, toSink) = (Int(source) + Int(max(known, 0)), Int(sink) + Int(max(-known, 0)))
        flow += min(fromSource, toSink)
        nodes[node].terminalResidual = Int32(fromSource - toSink)
    }

    /// An edge between two nodes, with a capacity each way. Traps on negative capacities.
    mutating func addEdge(_ first: Int, _ second: Int, capacity: Int32, reverse: Int32) {
        precondition(capacity >= 0 && reverse >= 0, "a capacity is 0 or more")
        let arc = Int32(arcs.count)
        arcs.append(Arc(head: Int32(second), next: nodes[first].firstArc, residual: capacity))
        nodes[first].firstArc = arc
        arcs.append(Arc(head: Int32(first), next: nodes[second].firstArc, residual: reverse))
        nodes[second].firstArc = arc + 1
    }

    /// Whether the node is on the source's side of the smallest cut, once `solve` has run. Nodes that could be on either
    /// side are on the sink's.
    func isOnSourceSide(_ node: Int) -> Bool { nodes[node].tree == Tree.source }

    /// Fills the graph and returns the flow. To be called once. Ends early where the work is cancelled.
    @discardableResult
    mutating func solve() -> Int {
        for node in nodes.indices where nodes[node].terminalResidual != 0 {
            nodes[node].tree = nodes[node].terminalResidual > 0 ? Tree.source : Tree.sink
            nodes[node].parent = Self.terminal
            nodes[node].distance = 1
            activate(Int32(node))
        }
        while let node = nextActive(), !Cancellation.isCancelled {
            // A node stays at work until its neighbours offer no further path.
            while nodes[Int(node)].parent != Self.none, let bridge = grow(node) {
                time += 1
                augment(through: bridge)
                adopt()
            }
        }
        return flow
    }

    private mutating func activate(_ node: Int32) {
        if nodes[Int(node)].isQueued { return }
        nodes[Int(node)].isQueued = true
        active.append(node)
    }

    private mutating func nextActive() -> Int32? {
        while activeStart < active.count {
            let node = active[activeStart]
            activeStart += 1
            if activeStart > 1 << 16, activeStart * 2 > active.count {
                active.removeFirst(activeStart)
                activeStart = 0
            }
            nodes[Int(node)].isQueued = false
            if nodes[Int(node)].parent != Self.none { return node }
        }
        return nil
    }

    /// Takes free neighbours into the node's tree. Returns the arc, from the source's tree to the sink's, on which the
    /// trees meet.
    private mutating func grow(_ node: Int32) -> Int32? {
        let index = Int(node)
        let own = nodes[index].tree
        // In the source's tree flow comes down the arcs, in the sink's it goes up.
        let flip: Int32 = own == Tree.source ? 0 : 1
        var arc = nodes[index].firstArc
        while arc >= 0 {
            if arcs[Int(arc ^ flip)].residual > 0 {
                let other = Int(arcs[Int(arc)].head)
                if nodes[other].tree == Tree.free {
                    nodes[other].tree = own
                    nodes[other].parent = arc ^ 1
                    nodes[other].stamp = nodes[index].stamp
                    nodes[other].distance = nodes[index].distance + 1
                    activate(Int32(other))
                } else if nodes[other].tree != own {
                    return arc ^ flip
                } else if nodes[other].stamp <= nodes[index].stamp, nodes[other].distance > nodes[index].distance {
                    // A shorter way to the same terminal.
                    nodes[other].parent = arc ^ 1
                    nodes[other].stamp = nodes[index].stamp
                    nodes[other].distance = nodes[index].distance + 1
                }
            }
            arc = arcs[Int(arc)].next
        }
        return nil
    }

    /// Fills the path through `bridge`; what runs dry leaves orphans.
    private mutating func augment(through bridge: Int32) {
        let from = Int(arcs[Int(bridge ^ 1)].head)
        let to = Int(arcs[Int(bridge)].head)
        var amount = arcs[Int(bridge)].residual
        var node = from
        while nodes[node].parent != Self.terminal {
            amount = min(amount, arcs[Int(nodes[node].parent ^ 1)].residual)
            node = Int(arcs[Int(nodes[node].parent)].head)
        }
        amount = min(amount, nodes[node].terminalResidual)
        node = to
        while nodes[node].parent != Self.terminal {
            amount = min(amount, arcs[Int(nodes[node].parent)].residual)
            node = Int(arcs[Int(nodes[node].parent)].head)
        }
        amount = min(amount, -nodes[node].terminalResidual)

        arcs[Int(bridge)].residual -= amount
        arcs[Int(bridge ^ 1)].residual += amount
        node = from
        while nodes[node].parent != Self.terminal {
            let arc = nodes[node].parent
            arcs[Int(arc)].residual += amount
            arcs[Int(arc ^ 1)].residual -= amount
            let above = Int(arcs[Int(arc)].head)
            if arcs[Int(arc ^ 1)].residual == 0 { abandon(node) }
            node = above
        }
        nodes[node].terminalResidual -= amount
        if nodes[node].terminalResidual == 0 { abandon(node) }
        node = to
        while nodes[node].parent != Self.terminal {
            let arc = nodes[node].parent
            arcs[Int(arc ^ 1)].residual += amount
            arcs[Int(arc)].residual -= amount
            let above = Int(arcs[Int(arc)].head)
            if arcs[Int(arc)].residual == 0 { abandon(node) }
            node = above
        }
        nodes[node].terminalResidual += amount
        if nodes[node].terminalResidual == 0 { abandon(node) }
        flow += Int(amount)
    }

    private mutating func abandon(_ node: Int) {
        nodes[node].parent = Self.orphan
        orphans.append(Int32(node))
    }

    private mutating func adopt() {
        var next = 0
        while next < orphans.count {
            let node = Int(orphans[next])
            next += 1
            adopt(node)
        }
        orphans.removeAll(keepingCapacity: true)
    }

    /// Finds the orphan the nearest parent in its tree, or sets it free and leaves its children orphans.
    private mutating func adopt(_ node: Int) {
        let own = nodes[node].tree
        let flip: Int32 = own == Tree.source ? 1 : 0
        var best = Self.none
        var bestDistance = Int32.max
        var arc = nodes[node].firstArc
        while arc >= 0 {
            let other = Int(arcs[Int(arc)].head)
            if arcs[Int(arc ^ flip)].residual > 0, nodes[other].tree == own, nodes[other].parent != Self.none {
                let found = distanceToTerminal(other)
                if found < bestDistance {
                    best = arc
                    bestDistance = found
                }
            }
            arc = arcs[Int(arc)].next
        }
        if best != Self.none {
            nodes[node].parent = best
            nodes[node].stamp = time
            nodes[node].distance = bestDistance + 1
            return
        }
        arc = nodes[node].firstArc
        while arc >= 0 {
            let other = Int(arcs[Int(arc)].head)
            if nodes[other].tree == own, nodes[other].parent != Self.none {
                if arcs[Int(arc ^ flip)].residual > 0 { activate(Int32(other)) }
                if nodes[other].parent >= 0, Int(arcs[Int(nodes[other].parent)].head) == node { abandon(other) }
            }
            arc = arcs[Int(arc)].next
        }
        nodes[node].parent = Self.none
        nodes[node].tree = Tree.free
    }

    /// Steps from the node up to its terminal, `Int32.max` where an orphan stands in between. The way is marked with
    /// the time, so that the next question ends early.
    private mutating func distanceToTerminal(_ start: Int) -> Int32 {
        var steps: Int32 = 0
        var node = start
        while true {
            if nodes[node].stamp == time {
                steps += nodes[node].distance
                break
            }
            let up = nodes[node].parent
            steps += 1
            if up == Self.terminal {
                nodes[node].stamp = time
                nodes[node].distance = 1
                break
            }
            if up == Self.orphan { return .max }
            node = Int(arcs[Int(up)].head)
        }
        let total = steps
        node = start
        while nodes[node].stamp != time {
            nodes[node].stamp = time
            nodes[node].distance = steps
            steps -= 1
            node = Int(arcs[Int(nodes[node].parent)].head)
        }
        return total
    }
}
