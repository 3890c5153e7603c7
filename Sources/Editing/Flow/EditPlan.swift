internal import Diffusion
public import Masking
public import Raster

/// What an edit will do, settled before the network runs.
public struct EditPlan: Sendable {
    public let settings: ResolvedSettings
    /// Of the result.
    public let size: PixelSize
    /// The mask that the network works with, on the canvas; `nil` for a picture from text alone.
    public let denoiseMask: Mask?
    /// What is filled before that: the mask as it was given. A fill that reached further would no longer meet the known
    /// pixels where the patch is pasted.
    public let hole: Mask?
    /// What the network sees of the picture; `nil` for a picture from text alone.
    public let crop: CropPlan?
    /// The size at which a picture from text alone is made: the result's, rounded up to the model's multiple.
    public let generatedSize: PixelSize

    /// - Throws: `EditError.overMemoryLimit`.
    public init(
        _ request: EditRequest, inputs: EditInputs, denoiser: any Denoiser, settings: ResolvedSettings
    ) throws(EditError) {
        self.settings = settings
        let facts = denoiser.facts
        let memory = MemoryEstimate(denoiser, limit: request.settings.memoryLimit)
        let geometry = try memory.geometry()
        guard let picture = inputs.picture else {
            size = request.size ?? PixelSize(width: facts.nativeSize, height: facts.nativeSize)
            denoiseMask = nil
            hole = nil
            crop = nil
            generatedSize = PixelSize(width: geometry.roundedUp(size.width), height: geometry.roundedUp(size.height))
            try memory.check(onePass: generatedSize)
            return
        }
        size = picture.size
        generatedSize = size
        let mask = inputs.mask ?? .uniform(1, size: size)
        // The union: blurring must not weaken what the user marked.
        var denoise =
            inputs.mask == nil
            ? mask : mask.grown(by: settings.grow).feathered(sigma: settings.feather).union(mask)
        if let protected = inputs.protected { denoise = denoise.subtracting(protected) }
        denoiseMask = denoise
        hole = mask
        let crop = CropPlan(mask: denoise, model: geometry, area: settings.area, contextPadding: settings.padding)
        if !crop.isCoarseToFine { try memory.check(onePass: crop.paddedSize) }
        self.crop = crop
    }

    /// Whether there are pixels that the edit promises not to change.
    public var keepsPixels: Bool {
        guard let hole, settings.composite.mode != .raw else { return false }
        return hole.coverage.values.contains(0)
    }

    /// Runs of the network for each picture.
    public var passes: Int {
        // Kept detail is there at full resolution already, and needs no tiles to make it.
        guard let crop, crop.isCoarseToFine, settings.detail == .model else { return 1 }
        return (hasCoarsePass ? 1 : 0) + crop.tiles.count
    }

    /// Whether the whole crop is composed at the model's own size before tiles refine it. A strength that refines at
    /// most changes no composition: the tiles then start from the filled picture.
    public var hasCoarsePass: Bool {
        crop?.isCoarseToFine == true && settings.strength > CropPlan.maximumRefinementStrength
    }

    /// How tiles are refined: never so hard that neighbours drift apart.
    public var refinementStrength: Float { min(settings.strength, CropPlan.maximumRefinementStrength) }

    /// Denoising steps of one pass, as the engine counts them (the last `strength · steps` of the schedule).
    public func steps(strength: Float) -> Int { max(1, min(settings.steps, Int(Float(settings.steps) * strength))) }

    /// Denoising steps of each pass of one picture.
    public var stepsOfPasses: [Int] {
        guard let crop, crop.isCoarseToFine, settings.detail == .model else {
            return [steps(strength: settings.strength)]
        }
        return (hasCoarsePass ? [steps(strength: settings.strength)] : [])
            + [Int](repeating: steps(strength: refinementStrength), count: crop.tiles.count)
    }

    /// Denoising steps of all passes of one picture.
    public var stepsPerPicture: Int { stepsOfPasses.reduce(0, +) }

    /// What will be done, in a line: "crop of 640×512 at 100,40, 20 steps".
    public var summary: String {
        guard let crop else { return "picture of \(size), \(stepsPerPicture) steps" }
        let place =
            crop.crop == PixelRect(size)
            ? "whole picture" : "crop of \(crop.crop.size) at \(crop.crop.x),\(crop.crop.y)"
        guard let coarse = crop.coarse else { return "\(place), \(stepsPerPicture) steps" }
        guard settings.detail == .model else { return "\(place) at \(coarse.size), \(stepsPerPicture) steps" }
        let tiles = crop.tiles.count == 1 ? "1 tile" : "\(crop.tiles.count) tiles"
        guard hasCoarsePass else {
            return "\(place): \(crop.tiles.count) tiles at full resolution, \(stepsPerPicture) steps in all"
        }
        return "\(place): first at \(coarse.size), then \(tiles) at full resolution, \(stepsPerPicture) steps in all"
    }
}
