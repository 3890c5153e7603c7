internal import Parallel

extension Compute {
    /// Runs a network on a whole input and keeps what `following` needs of it.
    public func recording<Result>(
        _ region: MapRegion, _ body: () throws -> Result
    ) rethrows -> (result: Result, known: KnownActivations) {
        let known = KnownActivations(region: region)
        mapScope = .recording(known)
        defer { mapScope = .whole }
        return (try body(), known)
    }

    /// Runs the same network on windows of other inputs: `[n · batch, window height, window width, channels]` where the
    /// recorded input was `[batch, height, width, channels]`; entry e of it is known as entry e / n.
    public func following<Result>(_ known: KnownActivations, _ body: () throws -> Result) rethrows -> Result {
        mapScope = .following(known, next: 0)
        defer { mapScope = .whole }
        return try body()
    }

    /// The next of the known entries.
    func nextKnown(_ known: KnownActivations, _ next: Int) -> KnownActivations.Entry {
        precondition(next < known.entries.count, "another network than the one that was recorded")
        mapScope = .following(known, next: next + 1)
        return known.entries[next]
    }

    // MARK: What layers ask

    /// Keys and values `[batch, tokens, channels]` of a whole map, of those that were computed here.
    public func wholeSequence(_ x: Tensor) throws -> Tensor {
        switch mapScope {
        case .whole: return x
        case .recording(let known):
            known.entries.append(.sequence(x))
            return x
        case .following(let known, let next):
            guard case .sequence(let whole) = nextKnown(known, next) else { preconditionFailure("not attention") }
            let (place, channels) = (known.place, x.channels)
            precondition(
                whole.shape[1] == place.height * place.width && x.shape[1] == place.window.area,
                "\(x.shape) is not the window \(place.window) of \(whole.shape)")
            let maps = try copies(whole, batch: x.shape[0])
            let window = place.window
            overwrite(
                maps.reshaped([x.shape[0], place.height, place.width, channels]),
                at: (window.rows.lowerBound, window.columns.lowerBound),
                with: x.reshaped([x.shape[0], window.height, window.width, channels]))
            return maps
        }
    }

    // MARK: What operations ask

    /// What a convolution is to work on, and what completes its result.
    func convolutionInput(_ x: Tensor, _ layer: Convolution) throws -> (x: Tensor, entry: KnownActivations.Entry?) {
        guard case .following(let known, let next) = mapScope else { return (x, nil) }
        let entry = nextKnown(known, next)
        guard case .convolution(_, let input, _) = entry else { preconditionFailure("not a convolution") }
        guard let input else { return (x, entry) }
        // The window of the input, within the part of it that the result's window needs.
        let part = try copies(input.part, batch: x.shape[0])
        let window = known.place.window
        overwrite(
            part,
            at: (
                window.rows.lowerBound - input.window.rows.lowerBound,
                window.columns.lowerBound - input.window.columns.lowerBound
            ), with: x)
        return (part, entry)
    }

    /// Keeps a convolution's result, or completes it: `y` is changed in place.
    func finishConvolution(_ x: Tensor, _ y: Tensor, _ layer: Convolution, entry: KnownActivations.Entry?) throws {
        switch mapScope {
        case .whole: break
        case .recording(let known):
            let place = known.place(height: y.shape[1], width: y.shape[2])
            var input: (part: Tensor, window: MapWindow)?
            if layer.stride > 1 {
                let window = MapWindow(
                    rows: layer.stride * place.window.rows.lowerBound
                        ..< min(x.shape[1], layer.stride * place.window.rows.upperBound),
                    columns: layer.stride * place.window.columns.lowerBound
                        ..< min(x.shape[2], layer.stride * place.window.columns.upperBound))
                input = (try cut(x, window), window)
            }
            known.entries.append(.convolution(result: try cut(y, place.window), input: input, place))
            known.place = place
        case .following(let known, _):
            guard case .convolution(let result, _, let place)? = entry else { return }
            known.place = place
            try overwriteRing(of: y, with: result, place: place)
        }
    }

    /// What GroupNorm divides by: sums over the whole map, of which a window's own are completed by the known ones.
    func statistics(of x: Tensor) throws -> KnownActivations.ChannelSums {
        let (batch, channels) = (x.shape[0], x.channels)
        let here = KnownActivations.ChannelSums(
            pixels: x.rows / batch, sums: (0 ..< batch).map { channelSums(of: x, entry: $0) })
        switch mapScope {
        case .whole: break
        case .recording(let known):
            let window = known.window(height: x.shape[1], width: x.shape[2])
            var outside = KnownActivations.ChannelSums(pixels: here.pixels - window.area, sums: [])
            if outside.pixels > 0 {
                let part = try cut(x, window)
                outside.sums = (0 ..< batch).map { entry in
                    zip(
                        Self.total(here.sums[entry], channels: channels),
                        Self.total(channelSums(of: part, entry: entry), channels: channels)
                    ).map { $0 - $1 }
                }
            }
            known.entries.append(.sums(outside))
        case .following(let known, let next):
            guard case .sums(let outside) = nextKnown(known, next) else { preconditionFailure("not a GroupNorm") }
            guard outside.pixels > 0 else { break }
            let followers = batch / outside.sums.count
            return KnownActivations.ChannelSums(
                pixels: here.pixels + outside.pixels,
                sums: (0 ..< batch).map { here.sums[$0] + outside.sums[$0 / followers] })
        }
        return here
    }

    private static func total(_ sums: [Double], channels: Int) -> [Double] {
        var total = [Double](repeating: 0, count: 2 * channels)
        for index in sums.indices { total[index % total.count] += sums[index] }
        return total
    }

    /// Some rows and columns of every map of a batch.
    func cut(_ x: Tensor, _ window: MapWindow) throws -> Tensor {
        let y = try empty([x.shape[0], window.height, window.width, x.channels])
        let pixel = x.channels * type.size
        let (height, width) = (x.shape[1], x.shape[2])
        parallelRanges(y.shape[0] * window.height, minimum: 8) { _, range in
            for row in range {
                let (entry, line) = (row / window.height, row % window.height + window.rows.lowerBound)
                unsafe (y.pointer + row * window.width * pixel).copyMemory(
                    from: x.pointer + ((entry * height + line) * width + window.columns.lowerBound) * pixel,
                    byteCount: window.width * pixel)
            }
        }
        return y
    }

    /// `batch` maps: each entry of `x` as often as it takes, one after the other.
    func copies(_ x: Tensor, batch: Int) throws -> Tensor {
        precondition(batch % x.shape[0] == 0, "\(batch) entries do not follow \(x.shape[0])")
        let times = batch / x.shape[0]
        let y = try empty([batch] + x.shape.dropFirst())
        let bytes = x.count / x.shape[0] * type.size
        parallel(batch) { entry in
            unsafe (y.pointer + entry * bytes).copyMemory(
                from: x.pointer + entry / times * bytes, byteCount: bytes)
        }
        return y
    }

    /// Writes `part` into maps whose content is still their maker's, at a row and a column that may lie outside: what
    /// does not fit is left out.
    func overwrite(_ maps: Tensor, at origin: (row: Int, column: Int), with part: Tensor) {
        let pixel = maps.channels * type.size
        let (height, width) = (maps.shape[1], maps.shape[2])
        let (partHeight, partWidth) = (part.shape[1], part.shape[2])
        let first = max(0, -origin.column)
        let count = min(partWidth, width - origin.column) - first
        guard count > 0 else { return }
        parallelRanges(part.shape[0] * partHeight, minimum: 8) { _, range in
            for row in range {
                let (entry, line) = (row / partHeight, row % partHeight + origin.row)
                guard line >= 0, line < height else { continue }
                unsafe (maps.pointer + ((entry * height + line) * width + origin.column + first) * pixel).copyMemory(
                    from: part.pointer + (row * partWidth + first) * pixel, byteCount: count * pixel)
            }
        }
    }

    /// The outermost pixels of a window, where it does not end with its map, take the known values.
    private func overwriteRing(of y: Tensor, with known: Tensor, place: KnownActivations.Place) throws {
        let window = place.window
        let (height, width) = (window.height, window.width)
        precondition(
            y.shape[1] == height && y.shape[2] == width && y.channels == known.channels
                && y.shape[0] % known.shape[0] == 0,
            "\(y.shape) does not follow \(known.shape)")
        let times = y.shape[0] / known.shape[0]
        let pixel = y.channels * type.size
        let top = window.rows.lowerBound > 0
        let bottom = window.rows.upperBound < place.height
        let left = window.columns.lowerBound > 0
        let right = window.columns.upperBound < place.width
        for entry in 0 ..< y.shape[0] {
            let to = unsafe y.pointer + entry * height * width * pixel
            let from = unsafe known.pointer + entry / times * height * width * pixel
            func take(_ pixelIndex: Int, count: Int) {
                unsafe (to + pixelIndex * pixel).copyMemory(from: from + pixelIndex * pixel, byteCount: count * pixel)
            }
            if top { take(0, count: width) }
            if bottom { take((height - 1) * width, count: width) }
            for row in 0 ..< height {
                if left { take(row * width, count: 1) }
                if right { take(row * width + width - 1, count: 1) }
            }
        }
    }
}
