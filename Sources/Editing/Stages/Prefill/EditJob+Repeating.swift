internal import Masking
internal import Raster

extension EditJob {
    /// Makes borders meet along the axes that repeat. Where they do not meet, and nothing else will fill them, a band
    /// across them is filled from the rest. Both axes are filled in one pass: a second pass would break the first at
    /// the corners.
    func repeating(
        _ picture: Picture, inputs: EditInputs, plan: EditPlan, meter: ProgressMeter
    ) throws -> Picture {
        let axes = plan.settings.tileable
        guard !axes.isEmpty, inputs.mask == nil || plan.settings.fill == .original else { return picture }
        let size = picture.size
        // Under a mask the borders have been rolled inwards already, unless they are known.
        let roll = inputs.mask == nil ? (x: size.width / 2, y: size.height / 2) : (x: 0, y: 0)
        let rolled = picture.rolled(x: roll.x, y: roll.y)
        let image = RGBImage(rolled)
        var mask = Mask.uniform(0, size: size)
        for axis in [WrappedAxes.x, .y] where axes.contains(axis) {
            let (length, border) =
                axis == .x ? (size.width, roll.x + inputs.roll.x) : (size.height, roll.y + inputs.roll.y)
            guard border > 0, SeamStatistic(image, across: axis, at: border).ratio > 1.5 else { continue }
            let half = min(length / 4, max(8, length / 8))
            let band =
                axis == .x
                ? PixelRect(x: border - half, y: 0, width: 2 * half, height: size.height)
                : PixelRect(x: 0, y: border - half, width: size.width, height: 2 * half)
            mask = mask.union(.rectangle(band.intersection(PixelRect(size)), size: size))
        }
        if let changing = inputs.mask { mask = mask.intersection(changing) }
        guard mask.bounds != nil else { return picture }
        try meter.begin(.fill)
        let patch = Fill.patchmatch.applied(
            to: image, coverage: mask.coverage, seed: plan.settings.seeds[0], wraps: plan.wraps)
        return Composite(wraps: plan.wraps).applied(patch: patch, at: PixelRect(size), mask: mask, to: rolled)
            .rolled(x: -roll.x, y: -roll.y)
    }
}
