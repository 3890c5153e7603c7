internal import Masking
internal import Raster

/// Puts the patches of an edit back into its picture, at the depth and layout of the source.
struct PatchPlacement {
    private let crop: CropPlan?
    private let source: Picture?
    private let composite: Composite
    private let mask: Mask?
    /// The range of colours that a grey picture keeps to.
    private let chroma: ChromaRange?
    /// What the picture was rolled by, which is taken back.
    private let roll: (x: Int, y: Int)

    init(_ plan: EditPlan, inputs: EditInputs) {
        crop = plan.crop
        source = inputs.picture
        roll = inputs.roll
        var composite = plan.settings.composite
        composite.wraps = plan.wraps
        // Without a mask there is no known surrounding to match the patch to.
        if inputs.mask == nil, composite.mode == .seamless { composite.mode = .paste }
        self.composite = composite
        guard let source = inputs.picture else {
            mask = nil
            chroma = nil
            return
        }
        let blend = plan.settings.blend
        let mask = (inputs.mask ?? .uniform(1, size: source.size))
            .repeating(along: plan.wraps, reach: blend) { $0.blended(outward: blend) }
        self.mask = inputs.protected.map { mask.subtracting($0) } ?? mask
        chroma = plan.settings.keepsGray ? ChromaRange(source, mask: inputs.mask) : nil
    }

    /// The picture with the patch in it; the patch itself where there was no picture.
    func picture(of patch: RGBImage) -> Picture {
        guard let source, let crop, let mask else { return Picture(patch) }
        return composite.applied(patch: chroma?.applied(to: patch) ?? patch, at: crop.crop, mask: mask, to: source)
            .rolled(x: -roll.x, y: -roll.y)
    }
}
