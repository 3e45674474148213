export { RegionJobs, regionJobsStackId, type RegionJobsProps } from "./region-jobs";
export { addRunStacks } from "./run-stacks";
