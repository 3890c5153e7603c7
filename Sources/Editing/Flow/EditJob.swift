internal import Diffusion
internal import ImageFiles
internal import Raster

/// An edit from request to saved pictures: load, plan, fill, denoise, composite, save.
public struct EditJob: Sendable {
    public var request: EditRequest
    public var output: OutputChoice

    public init(request: EditRequest, output: OutputChoice) {
        self.request = request
        self.output = output
    }

    /// Runs the edit. Every file is read and every name settled before the model is opened, so that what is wrong with
    /// the request is said at once.
    ///
    /// - Parameters:
    ///   - randomSeed: the seed where the request names none.
    ///   - openModel: gives the denoiser; not called where nothing is to be repainted.
    ///   - observe: told of everything that happens; what it throws stops the edit, and no file is left.
    /// - Throws: `EditError`, `ImageFileError`, `MaskError`, `OutpaintError`, `ModelError` or what `observe` throws.
    public func run(
        randomSeed: UInt64, openModel: () throws -> any Denoiser, observe: @escaping (EditEvent) throws -> Void
    ) throws -> EditReport {
        try request.validate()
        let meter = ProgressMeter(observe: observe)
        try meter.begin(.read)
        let inputs = try EditInputs(request)
        let outputs = try OutputPlan(
            output, mode: request.mode, count: inputs.isUnchanged ? 1 : request.settings.count,
            input: inputs.source.flatMap { source in request.picture.map { ($0, source.format) } },
            others: [request.mask].compactMap(\.self))
        for note in inputs.notes { try meter.note(note) }

        if inputs.isUnchanged, let source = inputs.source {
            let writer = ResultWriter(output: output, outputs: outputs, meter: meter)
            return try writer.writeUnchanged(source, request: request)
        }

        try meter.begin(.load)
        let denoiser = try openModel()
        let facts = denoiser.facts
        try meter.begin(.plan)
        let settings = ResolvedSettings(for: request, facts: facts, randomSeed: randomSeed)
        let plan = try EditPlan(request, inputs: inputs, denoiser: denoiser, settings: settings)
        let prediction = facts.predictionReason.map { ", \(facts.prediction.rawValue), \($0)" } ?? ""
        try meter.note(EditNote("model: \(facts.name), \(facts.family)\(prediction)"))
        try meter.note(EditNote("plan: \(plan.summary), seed \(settings.seeds[0])"))

        let result = try edited(inputs, plan: plan, denoiser: denoiser, meter: meter)
        try meter.begin(.save)
        let record = EditRecord(request: request, plan: plan, facts: facts)
        let writer = ResultWriter(output: output, outputs: outputs, meter: meter)
        return try writer.write(result, record: record, source: inputs.source)
    }

    private func edited(_ inputs: EditInputs, plan: EditPlan, denoiser: any Denoiser, meter: ProgressMeter) throws
        -> EditResult
    {
        let settings = plan.settings
        meter.passes = plan.passes
        meter.pictures = settings.seeds.count
        meter.plannedSteps = plan.stepsOfPasses
        let runner = PassRunner(
            plan: plan, denoiser: denoiser, meter: meter, colorSpace: inputs.colorSpace, prompt: request.prompt,
            negativePrompt: request.negativePrompt)
        let patches: [RGBImage]
        if let picture = inputs.picture, let mask = plan.denoiseMask, let hole = plan.hole, let crop = plan.crop {
            patches = try runner.patches(
                of: picture, mask: mask, hole: hole, crop: crop, hasMask: inputs.mask != nil)
        } else {
            patches = try runner.generated()
        }
        try meter.begin(.composite)
        return EditResult(patches: patches, plan: plan, inputs: inputs)
    }
}
