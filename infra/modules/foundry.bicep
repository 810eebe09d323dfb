// The Foundry account, a model deployment on it where one is used, and the project that the agent
// lives in.

@description('Region of the account and its project.')
param location string
@description('Tags of all resources.')
param tags object
@description('Name of the account, which is also its subdomain.')
param accountName string
@description('Name of the project.')
param projectName string
@description('Whether the model is deployed.')
param withModel bool
@description('Name of the model deployment.')
param modelDeploymentName string
@description('The model behind it.')
param modelName string
@description('Its version.')
param modelVersion string
@description('How it is billed and where it may run.')
param modelSkuName string
@description('Its quota, in thousands of tokens per minute.')
param modelCapacity int

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: accountName
  location: location
  tags: tags
  kind: 'AIServices'
  sku: {
    name: 'S0'
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    allowProjectManagement: true
    customSubDomainName: accountName
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

resource deployment 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = if (withModel) {
  parent: account
  name: modelDeploymentName
  sku: {
    name: modelSkuName
    capacity: modelCapacity
  }
  properties: {
    model: {
      format: 'OpenAI'
      name: modelName
      version: modelVersion
    }
  }
}

resource project 'Microsoft.CognitiveServices/accounts/projects@2025-06-01' = {
  parent: account
  name: projectName
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: projectName
    description: 'Voice agents'
  }
  // An account takes one change at a time.
  dependsOn: [
    deployment
  ]
}

output accountName string = account.name
output projectName string = project.name
output projectId string = project.id
output projectPrincipalId string = project.identity.principalId
output endpoint string = 'https://${account.name}.services.ai.azure.com'
output projectEndpoint string = 'https://${account.name}.services.ai.azure.com/api/projects/${project.name}'
output openAiEndpoint string = 'https://${account.name}.openai.azure.com/'
