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

    // Nodes.
    /// First arc that leaves the node.
    private var firstArc: [Int32]
    /// What the source can still send to the node, or, negative, the node to the sink.
    private var terminalResidual: [Int32]
    private var parent: [Int32]
    private var tree: [UInt8]
    private var stamp: [Int32]
    private var distance: [Int32]
    private var isQueued: [Bool]
    // Arcs; an arc's reverse is its number with the lowest bit changed.
    private var head: [Int32] = []
    private var nextArc: [Int32] = []
    private var residual: [Int32] = []

    private var active: [Int32] = []
    private var activeStart = 0
    private var orphans: [Int32] = []
    private var time: Int32 = 0
    /// The flow so far.
    private(set) var flow = 0

    /// A graph of `nodeCount` nodes without arcs; `arcCount` (both directions of an edge together) only reserves memory.
    init(nodeCount: Int, arcCount: Int = 0) {
        firstArc = [Int32](repeating: Self.none, count: nodeCount)
        terminalResidual = [Int32](repeating: 0, count: nodeCount)
        parent = [Int32](repeating: Self.none, count: nodeCount)
        tree = [UInt8](repeating: Tree.free, count: nodeCount)
        stamp = [Int32](repeating: 0, count: nodeCount)
        distance = [Int32](repeating: 0, count: nodeCount)
        isQueued = [Bool](repeating: false, count: nodeCount)
        head.reserveCapacity(arcCount)
        nextArc.reserveCapacity(arcCount)
        residual.reserveCapacity(arcCount)
    }

    /// An arc from the source to `node` and one from `node` to the sink. May be called again for the same node; traps on
    /// negative capacities.
    mutating func addTerminals(_ node: Int, source: Int32, sink: Int32) {
        precondition(source >= 0 && sink >= 0, "a capacity is 0 or more")
        // What passes from one terminal to the other at once needs no search.
        let known = terminalResidual[node]
        let (fromSource, toSink) = (Int(source) + Int(max(known, 0)), Int(sink) + Int(max(-known, 0)))
        flow += min(fromSource, toSink)
        terminalResidual[node] = Int32(fromSource - toSink)
    }

    /// An edge between two nodes, with a capacity each way. Traps on negative capacities.
    mutating func addEdge(_ first: Int, _ second: Int, capacity: Int32, reverse: Int32) {
        precondition(capacity >= 0 && reverse >= 0, "a capacity is 0 or more")
        let arc = Int32(head.count)
        head.append(Int32(second))
        nextArc.append(firstArc[first])
        residual.append(capacity)
        firstArc[first] = arc
        head.append(Int32(first))
        nextArc.append(firstArc[second])
        residual.append(reverse)
        firstArc[second] = arc + 1
    }

    /// Whether the node is on the source's side of the smallest cut, once `solve` has run. Nodes that could be on either
    /// side are on the sink's.
    func isOnSourceSide(_ node: Int) -> Bool { tree[node] == Tree.source }

    /// Fills the graph and returns the flow. To be called once.
    @discardableResult
    mutating func solve() -> Int {
        for node in firstArc.indices where terminalResidual[node] != 0 {
            tree[node] = terminalResidual[node] > 0 ? Tree.source : Tree.sink
            parent[node] = Self.terminal
            distance[node] = 1
            activate(Int32(node))
        }
        while let node = nextActive() {
            // A node stays at work until its neighbours offer no further path.
            while parent[Int(node)] != Self.none, let bridge = grow(node) {
                time += 1
                augment(through: bridge)
                adopt()
            }
        }
        return flow
    }

    private mutating func activate(_ node: Int32) {
        if isQueued[Int(node)] { return }
        isQueued[Int(node)] = true
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
            isQueued[Int(node)] = false
            if parent[Int(node)] != Self.none { return node }
        }
        return nil
    }

    /// Takes free neighbours into the node's tree. Returns the arc, from the source's tree to the sink's, on which the
    /// trees meet.
    private mutating func grow(_ node: Int32) -> Int32? {
        let index = Int(node)
        let own = tree[index]
        // In the source's tree flow comes down the arcs, in the sink's it goes up.
        let flip: Int32 = own == Tree.source ? 0 : 1
        var arc = firstArc[index]
        while arc >= 0 {
            if residual[Int(arc ^ flip)] > 0 {
                let other = Int(head[Int(arc)])
                if tree[other] == Tree.free {
                    tree[other] = own
                    parent[other] = arc ^ 1
                    stamp[other] = stamp[index]
                    distance[other] = distance[index] + 1
                    activate(Int32(other))
                } else if tree[other] != own {
                    return arc ^ flip
                } else if stamp[other] <= stamp[index], distance[other] > distance[index] {
                    // A shorter way to the same terminal.
                    parent[other] = arc ^ 1
                    stamp[other] = stamp[index]
                    distance[other] = distance[index] + 1
                }
            }
            arc = nextArc[Int(arc)]
        }
        return nil
    }

    /// Fills the path through `bridge`; what runs dry leaves orphans.
    private mutating func augment(through bridge: Int32) {
        let from = Int(head[Int(bridge ^ 1)])
        let to = Int(head[Int(bridge)])
        var amount = residual[Int(bridge)]
        var node = from
        while parent[node] != Self.terminal {
            amount = min(amount, residual[Int(parent[node] ^ 1)])
            node = Int(head[Int(parent[node])])
        }
        amount = min(amount, terminalResidual[node])
        node = to
        while parent[node] != Self.terminal {
            amount = min(amount, residual[Int(parent[node])])
            node = Int(head[Int(parent[node])])
        }
        amount = min(amount, -terminalResidual[node])

        residual[Int(bridge)] -= amount
        residual[Int(bridge ^ 1)] += amount
        node = from
        while parent[node] != Self.terminal {
            let arc = parent[node]
            residual[Int(arc)] += amount
            residual[Int(arc ^ 1)] -= amount
            let above = Int(head[Int(arc)])
            if residual[Int(arc ^ 1)] == 0 { abandon(node) }
            node = above
        }
        terminalResidual[node] -= amount
        if terminalResidual[node] == 0 { abandon(node) }
        node = to
        while parent[node] != Self.terminal {
            let arc = parent[node]
            residual[Int(arc ^ 1)] += amount
            residual[Int(arc)] -= amount
            let above = Int(head[Int(arc)])
            if residual[Int(arc)] == 0 { abandon(node) }
            node = above
        }
        terminalResidual[node] += amount
        if terminalResidual[node] == 0 { abandon(node) }
        flow += Int(amount)
    }

    private mutating func abandon(_ node: Int) {
        parent[node] = Self.orphan
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
        let own = tree[node]
        let flip: Int32 = own == Tree.source ? 1 : 0
        var best = Self.none
        var bestDistance = Int32.max
        var arc = firstArc[node]
        while arc >= 0 {
            let other = Int(head[Int(arc)])
            if residual[Int(arc ^ flip)] > 0, tree[other] == own, parent[other] != Self.none {
                let found = distanceToTerminal(other)
                if found < bestDistance {
                    best = arc
                    bestDistance = found
                }
            }
            arc = nextArc[Int(arc)]
        }
        if best != Self.none {
            parent[node] = best
            stamp[node] = time
            distance[node] = bestDistance + 1
            return
        }
        arc = firstArc[node]
        while arc >= 0 {
            let other = Int(head[Int(arc)])
            if tree[other] == own, parent[other] != Self.none {
                if residual[Int(arc ^ flip)] > 0 { activate(Int32(other)) }
                if parent[other] >= 0, Int(head[Int(parent[other])]) == node { abandon(other) }
            }
            arc = nextArc[Int(arc)]
        }
        parent[node] = Self.none
        tree[node] = Tree.free
    }

    /// Steps from the node up to its terminal, `Int32.max` where an orphan stands in between. The way is marked with
    /// the time, so that the next question ends early.
    private mutating func distanceToTerminal(_ start: Int) -> Int32 {
        var steps: Int32 = 0
        var node = start
        while true {
            if stamp[node] == time {
                steps += distance[node]
                break
            }
            let up = parent[node]
            steps += 1
            if up == Self.terminal {
                stamp[node] = time
                distance[node] = 1
                break
            }
            if up == Self.orphan { return .max }
            node = Int(head[Int(up)])
        }
        let total = steps
        node = start
        while stamp[node] != time {
            stamp[node] = time
            distance[node] = steps
            steps -= 1
            node = Int(head[Int(parent[node])])
        }
        return total
    }
}
