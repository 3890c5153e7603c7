@testable import Diffusion

private let model = try! ModelFiles(.embedded)
private let unet = try! UNetConfiguration(model.configuration("unet/config.json"))
private let autoencoder = try! AutoencoderConfiguration(model.configuration("vae/config.json"))
private let index = try! model.configuration("model_index.json")

/// Reads bytes as a configuration file of a model; the first byte chooses which. A scheduler's is then sampled from: the
/// next three bytes choose the sampler, the steps and the schedule.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 4 else { return 0 }
    let head = unsafe (data[0], data[1], data[2], data[3])
    let text = unsafe UnsafeRawBufferPointer(start: data + 4, count: count - 4)
    guard let json = unsafe try? JSONConfiguration(parsing: text, file: "input") else { return 0 }
    switch head.0 % 6 {
    case 0:
        guard let configuration = try? SchedulerConfiguration(json) else { return 0 }
        let kinds = SamplerKind.allCases
        let schedules = ScheduleType.allCases
        let kind = Int(head.1) % (kinds.count + 1)
        let schedule = Int(head.3) % (schedules.count + 1)
        sample(
            configuration, kind: kind < kinds.count ? kinds[kind] : nil, steps: 1 + Int(head.2) % 60,
            schedule: schedule < schedules.count ? schedules[schedule] : nil)
    case 1:
        guard let configuration = try? UNetConfiguration(json) else { return 0 }
        check(configuration, autoencoder)
    case 2:
        guard let configuration = try? AutoencoderConfiguration(json) else { return 0 }
        check(unet, configuration)
    case 3: _ = try? TextEncoderConfiguration(json)
    case 4: _ = try? TokenizerConfiguration(json)
    default: _ = try? EditDefaults(json).settings(forMode: "erase")
    }
    return 0
}

/// What a run computes of a model before its networks are put together.
private func check(_ unet: UNetConfiguration, _ autoencoder: AutoencoderConfiguration) {
    let facts = try? ModelFacts(
        files: model, index: index, unet: unet, latentChannels: autoencoder.latentChannels,
        scaleFactor: autoencoder.scaleFactor, scheduler: SchedulerConfiguration(), predictionReason: nil,
        parameters: 0)
    guard let facts else { return }
    precondition(facts.scaleFactor > 0 && facts.pixelMultiple > 0 && facts.nativeSize > 0)
    precondition(autoencoder.activationBytes(elementSize: 4) > 0)
}

private func sample(
    _ configuration: SchedulerConfiguration, kind: SamplerKind?, steps: Int, schedule: ScheduleType?
) {
    guard
        var sampler = try? SamplerKind.make(kind, configuration: configuration, steps: steps, schedule: schedule)
    else { return }
    let start = sampler.start(strength: 0.8)
    var latents = sampler.addNoise(to: [0.5, -1, 2, 0], noise: [1, -0.5, 0.25, 0], index: start)
    for index in start ..< sampler.timesteps.count {
        let output = sampler.scaleInput(latents, index: index)
        latents = sampler.step(modelOutput: output, latents: latents, index: index) { [0.5, -0.5, 1, -1] }
    }
    precondition(latents.count == 4)
}
